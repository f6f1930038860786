//! Compares two stored evaluations.

use mien_faces::{
    dataset::Split,
    report::{CompareError, Comparison, Predictions, compare_with_groups},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::EvaluationInfo;
use crate::store::EvaluationRecord;

/// Two evaluations on the same images. Differences are `b - a`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvaluationComparison)]
pub struct Compared {
    /// The first evaluation.
    pub evaluation_a: EvaluationInfo,
    /// The second evaluation.
    pub evaluation_b: EvaluationInfo,
    #[serde(flatten)]
    #[expect(missing_docs, reason = "utoipa would print it next to the fields")]
    pub comparison: Comparison,
}

/// Why two evaluations cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotComparable {
    /// The images changed between the evaluations.
    #[error(
        "the {split} images of `{dataset}` changed between the two evaluations; evaluate both models on the same data"
    )]
    OtherImages {
        /// The data set of the first.
        dataset: String,
        /// The split of both.
        split: Split,
    },
    /// The data sets are not known to be the same.
    #[error(
        "one evaluation is on `{a}`, the other on `{b}`; evaluate both models on the same data"
    )]
    OtherDataset {
        /// The data set of the first.
        a: String,
        /// The data set of the second.
        b: String,
    },
    /// The predictions cannot be compared.
    #[error(transparent)]
    Images(#[from] CompareError),
}

/// Compares the predictions of two successful evaluations, also per group.
///
/// # Errors
/// Returns an error if they are on different data or have no image in common.
pub fn compare(
    (a, of_a): (EvaluationRecord, &Predictions),
    (b, of_b): (EvaluationRecord, &Predictions),
) -> Result<Compared, NotComparable> {
    check_data(&a, &b)?;
    let comparison = compare_with_groups(of_a, of_b)?;
    Ok(Compared {
        evaluation_a: a.into(),
        evaluation_b: b.into(),
        comparison,
    })
}

/// Checks that both evaluations saw the same data. Images are joined by identifiers that depend only on their names; the
/// fingerprints of the splits show whether the pixels are the same.
fn check_data(a: &EvaluationRecord, b: &EvaluationRecord) -> Result<(), NotComparable> {
    let same_name = a.dataset == b.dataset;
    let fingerprints = (a.split == b.split)
        .then(|| a.dataset_sha256.as_ref().zip(b.dataset_sha256.as_ref()))
        .flatten();
    match fingerprints {
        Some((of_a, of_b)) if of_a == of_b => Ok(()),
        Some(_) if same_name => Err(NotComparable::OtherImages {
            dataset: a.dataset.clone(),
            split: a.split,
        }),
        // Without fingerprints of the same split, the name decides.
        None if same_name => Ok(()),
        _ => Err(NotComparable::OtherDataset {
            a: a.dataset.clone(),
            b: b.dataset.clone(),
        }),
    }
}
