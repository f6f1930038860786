//! Applies the acceptance criterion and computes the shortfall.

use mien_faces::report::{CompareError, Predictions, Score, Tally, compare};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{models::ModelVersion, shadow::ShadowEvidence, store::JobId};

/// Measured values and result. Accuracies are 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PromotionResult)]
pub struct Verdict {
    /// Whether the candidate meets the criterion.
    pub passed: bool,
    /// The smallest `actual` that passes: `min_accuracy` or `-max_regression`.
    pub required: f64,
    /// The accuracy or, with `max_regression`, the lower end of `difference_interval`.
    pub actual: f64,
    /// `required - actual` if the candidate does not pass, otherwise null.
    pub shortfall: Option<f64>,
    /// The candidate.
    pub candidate: Measured,
    /// The version that the candidate was compared with, on the same images; null with `min_accuracy`.
    pub baseline: Option<Measured>,
    /// The candidate's accuracy minus that of `baseline`; null with `min_accuracy`.
    pub difference: Option<f64>,
    /// The 95 % interval of `difference` for paired images; null with `min_accuracy`.
    pub difference_interval: Option<[f64; 2]>,
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

    /// Compares a candidate with a baseline version on paired images (non-inferiority test).
    ///
    /// # Errors
    /// Returns an error if they have no image in common.
    pub(super) fn max_regression(
        margin: f64,
        candidate: &Measurement,
        baseline: &Measurement,
    ) -> Result<Self, CompareError> {
        let comparison = compare(&baseline.predictions.images, &candidate.predictions.images)?;
        let [lowest, _] = comparison.difference_interval;
        Ok(Self {
            baseline: Some(baseline.measured(comparison.a)),
            difference: Some(comparison.difference),
            difference_interval: Some(comparison.difference_interval),
            ..Self::new(0.0 - margin, lowest, candidate.measured(comparison.b))
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
            shadow: None,
        }
    }

    /// Describes the result in percent and percentage points.
    pub(super) fn sentence(&self) -> String {
        let points = |value: f64| format!("{:.2}", value * 100.0);
        let short = self.shortfall.map(|short| match points(short).as_str() {
            "0.00" => "less than 0.01".to_owned(),
            points => points.to_owned(),
        });
        let (Some(baseline), Some(difference), Some([low, high])) =
            (&self.baseline, self.difference, self.difference_interval)
        else {
            let (right, total) = (points(self.actual), self.candidate.score.total);
            let found = format!("{right} % of {total} images are correct");
            let required = points(self.required);
            return match short {
                None => format!("{found}; the minimum is {required} %"),
                Some(short) => {
                    format!("{found}: {short} points below the minimum of {required} %")
                }
            };
        };
        let found = format!(
            "{:+.2} points compared with version {} on {} images (95 % interval {:+.2} to {:+.2})",
            difference * 100.0,
            baseline.version,
            baseline.score.total,
            low * 100.0,
            high * 100.0
        );
        // Adding 0 turns a limit of -0 into 0.
        let limit = points(self.required + 0.0);
        match short {
            None => format!("{found}; the limit of the lower end is {limit} points"),
            Some(short) => {
                format!(
                    "{found}: the lower end is {short} points below the limit of {limit} points"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests;
