//! Two evaluations that are kept, held against each other.

use mien_faces::{
    dataset::Split,
    report::{self, CompareError, Comparison, Prediction},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::Head;
use crate::store::EvaluationRecord;

/// Two evaluations on the same images. Differences are `b - a`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvaluationComparison)]
pub struct Compared {
    /// The first evaluation.
    pub evaluation_a: Head,
    /// The second evaluation.
    pub evaluation_b: Head,
    #[serde(flatten)]
    #[expect(missing_docs, reason = "utoipa would print it beside the fields")]
    pub comparison: Comparison,
}

/// Why two evaluations cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotComparable {
    /// The images were changed in between.
    #[error(
        "the {split} images of `{dataset}` were others in one than in the other; evaluate both on the same data"
    )]
    OtherImages {
        /// The data set of the first.
        dataset: String,
        /// The split of both.
        split: Split,
    },
    /// Nothing tells that two data sets are the same.
    #[error("one is on `{a}`, the other on `{b}`; evaluate both on the same data")]
    OtherDataset {
        /// The data set of the first.
        a: String,
        /// The data set of the second.
        b: String,
    },
    /// Their predictions do not fit together.
    #[error(transparent)]
    Images(#[from] CompareError),
}

/// Compares two evaluations that succeeded, by their predictions.
///
/// # Errors
/// When they are on different data, or have no image in common.
pub fn compare(
    (a, of_a): (EvaluationRecord, &[Prediction]),
    (b, of_b): (EvaluationRecord, &[Prediction]),
) -> Result<Compared, NotComparable> {
    check_data(&a, &b)?;
    let comparison = report::compare(of_a, of_b)?;
    Ok(Compared { evaluation_a: a.into(), evaluation_b: b.into(), comparison })
}

/// Images are joined by ids that tell their names alone: whether these stand for the same pixels, the data's fingerprints
/// tell, which are of whole splits.
fn check_data(a: &EvaluationRecord, b: &EvaluationRecord) -> Result<(), NotComparable> {
    let same_name = a.dataset == b.dataset;
    let fingerprints = (a.split == b.split)
        .then(|| a.dataset_sha256.as_ref().zip(b.dataset_sha256.as_ref()))
        .flatten();
    match fingerprints {
        Some((of_a, of_b)) if of_a == of_b => Ok(()),
        Some(_) if same_name => {
            Err(NotComparable::OtherImages { dataset: a.dataset.clone(), split: a.split })
        }
        // Of another split, or with a file that could not be read: the name must do.
        None if same_name => Ok(()),
        _ => Err(NotComparable::OtherDataset { a: a.dataset.clone(), b: b.dataset.clone() }),
    }
}
