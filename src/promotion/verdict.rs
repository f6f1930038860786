//! Applies the acceptance criterion and computes the shortfall.

mod groups;
mod sentence;

use mien_faces::report::{CompareError, Predictions, Score, Tally, compare_with_groups};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::groups::GroupVerdict;
use crate::{models::ModelVersion, shadow::ShadowEvidence, store::JobId};

/// Measured values and result. Accuracies are 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PromotionResult)]
pub struct Verdict {
    /// Whether the candidate meets the criterion: all images and, with `max_group_regression`, each group.
    pub passed: bool,
    /// The smallest `actual` that passes: `min_accuracy` or `-max_regression`.
    pub required: f64,
    /// The accuracy or, with `max_regression`, the lower end of `difference_interval`.
    pub actual: f64,
    /// `required - actual` if `actual` is lower than `required`, otherwise null.
    pub shortfall: Option<f64>,
    /// The candidate.
    pub candidate: Measured,
    /// The version that the candidate was compared with, on the same images; null with `min_accuracy`.
    pub baseline: Option<Measured>,
    /// The candidate's accuracy minus that of `baseline`; null with `min_accuracy`.
    pub difference: Option<f64>,
    /// The 95 % interval of `difference` for paired images; null with `min_accuracy`.
    pub difference_interval: Option<[f64; 2]>,
    /// The result of `max_group_regression`; absent without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<GroupVerdict>,
    /// The result of the shadow when the promotion started. Absent if the promotion did not require a shadow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowEvidence>,
}

/// The score of a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PromotionMeasured)]
pub struct Measured {
    /// The version.
    #[schema(value_type = String)]
    pub version: ModelVersion,
    /// Identifier of its evaluation.
    #[schema(value_type = String)]
    pub evaluation: JobId,
    #[serde(flatten)]
    #[expect(missing_docs, reason = "its fields are flattened")]
    pub score: Score,
}

/// The predictions of an evaluation.
pub(super) struct Measurement {
    pub(super) version: ModelVersion,
    pub(super) evaluation: JobId,
    pub(super) dataset_sha256: Option<String>,
    pub(super) predictions: Predictions,
}

impl Measurement {
    fn measured(&self, score: Score) -> Measured {
        Measured {
            version: self.version,
            evaluation: self.evaluation,
            score,
        }
    }
}

impl Verdict {
    /// Compares the accuracy of a candidate with a minimum.
    pub(super) fn min_accuracy(required: f64, candidate: &Measurement) -> Self {
        let score = candidate
            .predictions
            .images
            .iter()
            .collect::<Tally>()
            .report()
            .score;
        let actual = score.accuracy.unwrap_or(0.0);
        Self::new(required, actual, candidate.measured(score))
    }

    /// Compares a candidate with a baseline version on paired images (non-inferiority test). With `group_margin`, the candidate must also
    /// pass the test in each group. The groups are those of the candidate's evaluation, because a stored
    /// evaluation of the baseline can be older than `groups.csv`.
    ///
    /// # Errors
    /// Returns an error if they have no image in common.
    pub(super) fn max_regression(
        margin: f64,
        group_margin: Option<f64>,
        candidate: &Measurement,
        baseline: &Measurement,
    ) -> Result<Self, CompareError> {
        let comparison = compare_with_groups(&baseline.predictions, &candidate.predictions)?;
        let [lowest, _] = comparison.difference_interval;
        let groups = group_margin.map(|margin| GroupVerdict::new(margin, &comparison.groups));
        let all = Self::new(0.0 - margin, lowest, candidate.measured(comparison.b));
        Ok(Self {
            passed: all.passed && groups.as_ref().is_none_or(|groups| groups.passed),
            baseline: Some(baseline.measured(comparison.a)),
            difference: Some(comparison.difference),
            difference_interval: Some(comparison.difference_interval),
            groups,
            ..all
        })
    }

    fn new(required: f64, actual: f64, candidate: Measured) -> Self {
        let passed = actual >= required;
        Self {
            passed,
            required,
            actual,
            shortfall: (!passed).then_some(required - actual),
            candidate,
            baseline: None,
            difference: None,
            difference_interval: None,
            groups: None,
            shadow: None,
        }
    }
}

#[cfg(test)]
mod tests;
