//! Scores of predictions: the report of an evaluation, and the comparison of two.
//!
//! A ratio without a denominator is `null` instead of 0: the precision of a class that was never predicted, the recall of a class
//! without images, the accuracy of no images. Means over classes ignore such classes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{dataset::Usage, expression::Expression};

mod calibration;
mod comparison;
mod confusion;
pub mod csv;
mod flips;
pub mod format;
mod group_comparison;
mod groups;
mod interval;
mod loss;
mod mcnemar;
mod mistakes;
mod pairs;
mod prediction;
mod risk_coverage;
mod without_duplicates;

use calibration::Bins;
pub use calibration::{Calibration, CalibrationBin};
pub use comparison::{ClassDifference, CompareError, Comparison, compare, compare_with_groups};
pub use confusion::{ClassScore, Confused, Confusion};
pub use flips::{Flip, Flips};
pub use group_comparison::{GroupDifference, GroupingComparison, WorstGroup, large_groups};
pub use groups::{GroupGap, GroupScore, GroupingScores, MIN_GROUP_IMAGES, group_scores};
pub use interval::{independent_difference, min_images_for_margin, paired_difference, wilson};
use loss::Losses;
pub use mcnemar::mcnemar;
pub use mistakes::{Mistake, mistakes};
pub use pairs::Pairs;
pub use prediction::{Prediction, Predictions};
use risk_coverage::Confidences;
pub use risk_coverage::{CoveragePoint, RiskCoverage};
pub use without_duplicates::{WithoutDuplicates, without_duplicates};

/// The label of an image and the prediction for it.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// The label.
    pub truth: Expression,
    /// The use of the image in FER2013.
    pub usage: Usage,
    /// The probability of each class in class order; they sum to 1.
    pub probabilities: [f32; Expression::COUNT],
}

impl Outcome {
    /// Returns the most probable class; with equal probabilities, the first one.
    pub fn prediction(&self) -> Expression {
        let mut best = Expression::ALL[0];
        for expression in Expression::ALL {
            if self.of(expression) > self.of(best) {
                best = expression;
            }
        }
        best
    }

    /// Returns whether the most probable class is the label.
    pub fn is_correct(&self) -> bool {
        self.prediction() == self.truth
    }

    /// Returns the probability of the most probable class.
    pub fn confidence(&self) -> f32 {
        self.of(self.prediction())
    }

    /// Returns the probability of a class.
    pub fn of(&self, expression: Expression) -> f32 {
        self.probabilities[expression.index()]
    }
}

/// Accumulates outcomes; [`Tally::report`] returns the scores of those added so far. The order does not matter.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    confusion: Confusion,
    bins: Bins,
    confidences: Confidences,
    losses: Losses,
    by_usage: BTreeMap<Usage, Confusion>,
}

impl Tally {
    /// Adds one outcome.
    pub fn add(&mut self, outcome: &Outcome) {
        let (truth, prediction) = (outcome.truth, outcome.prediction());
        self.confusion.add(truth, prediction);
        let (confidence, is_correct) = (outcome.of(prediction), truth == prediction);
        self.bins.add(confidence, is_correct);
        self.confidences.add(confidence, is_correct);
        self.losses.add(outcome);
        if outcome.usage != Usage::Unknown {
            self.by_usage
                .entry(outcome.usage)
                .or_default()
                .add(truth, prediction);
        }
    }

    /// Returns the scores of the added outcomes.
    pub fn report(&self) -> Report {
        Report {
            score: Score::of(&self.confusion),
            macro_f1: self.confusion.macro_f1(),
            balanced_accuracy: self.confusion.balanced_accuracy(),
            expected_calibration_error: self.bins.expected_error(),
            log_loss: self.losses.log(),
            brier: self.losses.brier(),
            calibration: self.bins.calibration(),
            risk_coverage: self.confidences.risk_coverage(),
            confusions: self.confusion.most_frequent(),
            classes: self.confusion.class_scores(),
            confusion: self.confusion.clone(),
            splits: self
                .by_usage
                .iter()
                .map(|(usage, c)| (*usage, Score::of(c)))
                .collect(),
        }
    }
}

impl<'a> FromIterator<&'a Prediction> for Tally {
    fn from_iter<I: IntoIterator<Item = &'a Prediction>>(predictions: I) -> Self {
        let mut tally = Self::default();
        predictions
            .into_iter()
            .for_each(|prediction| tally.add(&prediction.outcome()));
        tally
    }
}

/// The accuracy of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Score {
    /// Number of scored images.
    pub total: u64,
    /// Number of images whose most probable class is the label.
    pub correct: u64,
    /// `correct / total`, 0 to 1.
    pub accuracy: Option<f64>,
    /// The 95 % Wilson interval of the accuracy.
    pub interval: Option<[f64; 2]>,
}

impl Score {
    fn of(confusion: &Confusion) -> Self {
        Self::new(confusion.correct(), confusion.total())
    }

    fn new(correct: u64, total: u64) -> Self {
        Self {
            total,
            correct,
            accuracy: ratio(correct, total),
            interval: wilson(correct, total),
        }
    }
}

/// The scores of an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Scores))]
pub struct Report {
    /// The accuracy over all images.
    #[serde(flatten)]
    pub score: Score,
    /// Mean F1 score over the classes that have one.
    pub macro_f1: Option<f64>,
    /// Mean recall over the classes that have images.
    pub balanced_accuracy: Option<f64>,
    /// Mean difference between confidence and accuracy, 0 to 1, over 15 bins of confidence
    /// (Guo et al. 2017, "On Calibration of Modern Neural Networks").
    pub expected_calibration_error: Option<f64>,
    /// Mean of `-ln` of the label's probability, which is limited to at least 2^-23.
    pub log_loss: Option<f64>,
    /// Mean over images of the summed squared errors of the seven probabilities, 0 (best) to 2.
    pub brier: Option<f64>,
    /// Accuracy by confidence. Reports of older versions have no bins.
    #[serde(default)]
    pub calibration: Calibration,
    /// Accuracy against the share of answered images. Reports of older versions have no points.
    #[serde(default)]
    pub risk_coverage: RiskCoverage,
    /// The most frequent confusions in descending order, at most 10.
    #[serde(default)]
    pub confusions: Vec<Confused>,
    /// Rows are the labels, columns the predictions, both in class order.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Vec<u64>>))]
    pub confusion: Confusion,
    /// The scores of each class, in class order.
    pub classes: Vec<ClassScore>,
    /// The accuracy for each use in FER2013, if the names of the images contain it.
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, Score>))]
    pub splits: BTreeMap<Usage, Score>,
}

/// Returns `part / whole`, or `None` if `whole` is 0.
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Returns the mean of the values that exist, or `None` if there are none.
fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let values: Vec<f64> = values.flatten().collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests;
