//! Predictions against truth: the document that an evaluation answers with.
//!
//! A ratio without a denominator is `null`, never a made-up 0: the precision of a class that was never predicted, the
//! recall of one without images, the accuracy of nothing. Means over classes leave such classes out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{dataset::Usage, expression::Expression};

mod calibration;
mod comparison;
mod confusion;
pub mod csv;
pub mod format;
mod interval;
mod loss;
mod mcnemar;
mod mistakes;
mod prediction;
mod without_duplicates;

use calibration::Bins;
pub use calibration::{Calibration, CalibrationBin};
pub use comparison::{ClassDifference, CompareError, Comparison, Flip, Flips, Pairs, compare};
pub use confusion::{ClassScore, Confused, Confusion};
pub use interval::{paired_difference, wilson};
use loss::Losses;
pub use mcnemar::mcnemar;
pub use mistakes::{Mistake, mistakes};
pub use prediction::Prediction;
pub use without_duplicates::{WithoutDuplicates, without_duplicates};

/// One image's truth and what a model made of it.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// The label.
    pub truth: Expression,
    /// What FER2013 used the image for.
    pub usage: Usage,
    /// The probability of each class in class order, adding up to 1.
    pub probabilities: [f32; Expression::COUNT],
}

impl Outcome {
    /// The most probable class; the first of equals.
    pub fn prediction(&self) -> Expression {
        let mut best = Expression::ALL[0];
        for expression in Expression::ALL {
            if self.of(expression) > self.of(best) {
                best = expression;
            }
        }
        best
    }

    /// The probability of the most probable class.
    pub fn confidence(&self) -> f32 {
        self.of(self.prediction())
    }

    /// The probability of a class.
    pub fn of(&self, expression: Expression) -> f32 {
        self.probabilities[expression.index()]
    }
}

/// Counts outcomes one by one; [`Tally::report`] tells of what came so far. The order does not matter.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    confusion: Confusion,
    bins: Bins,
    losses: Losses,
    by_usage: BTreeMap<Usage, Confusion>,
}

impl Tally {
    /// Counts one outcome.
    pub fn add(&mut self, outcome: &Outcome) {
        let (truth, prediction) = (outcome.truth, outcome.prediction());
        self.confusion.add(truth, prediction);
        self.bins.add(outcome.of(prediction), truth == prediction);
        self.losses.add(outcome);
        if outcome.usage != Usage::Unknown {
            self.by_usage
                .entry(outcome.usage)
                .or_default()
                .add(truth, prediction);
        }
    }

    /// The report of everything counted.
    pub fn report(&self) -> Report {
        Report {
            score: Score::of(&self.confusion),
            macro_f1: self.confusion.macro_f1(),
            balanced_accuracy: self.confusion.balanced_accuracy(),
            expected_calibration_error: self.bins.expected_error(),
            log_loss: self.losses.log(),
            brier: self.losses.brier(),
            calibration: self.bins.calibration(),
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

/// How often a model is right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Score {
    /// Images judged.
    pub total: u64,
    /// Images whose most probable class is the label.
    pub correct: u64,
    /// `correct / total`, 0 to 1.
    pub accuracy: Option<f64>,
    /// The 95 % Wilson interval of the accuracy.
    pub interval: Option<[f64; 2]>,
}

impl Score {
    fn of(confusion: &Confusion) -> Self {
        let (total, correct) = (confusion.total(), confusion.correct());
        Self {
            total,
            correct,
            accuracy: ratio(correct, total),
            interval: wilson(correct, total),
        }
    }
}

/// What an evaluation finds out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Scores))]
pub struct Report {
    /// Over all images.
    #[serde(flatten)]
    pub score: Score,
    /// The mean F1 over the classes that have one.
    pub macro_f1: Option<f64>,
    /// The mean recall over the classes that have images.
    pub balanced_accuracy: Option<f64>,
    /// How far confidence and accuracy are apart, 0 to 1, over 15 bins of confidence
    /// (Guo et al. 2017, "On Calibration of Modern Neural Networks").
    pub expected_calibration_error: Option<f64>,
    /// The mean of `-ln` of the label's probability, which is taken as 2^-23 at least.
    pub log_loss: Option<f64>,
    /// The mean over images of the squared errors of the seven probabilities, added up: 0 (sure and right) to 2.
    pub brier: Option<f64>,
    /// How often it is right where it is so sure. Without bins in a document of an older version.
    #[serde(default)]
    pub calibration: Calibration,
    /// The most frequent confusions, the most frequent first, 10 at most.
    #[serde(default)]
    pub confusions: Vec<Confused>,
    /// Rows are the labels, columns the predictions, both in class order.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Vec<u64>>))]
    pub confusion: Confusion,
    /// Each class, in class order.
    pub classes: Vec<ClassScore>,
    /// The original splits apart, where the names of the images tell them.
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, Score>))]
    pub splits: BTreeMap<Usage, Score>,
}

/// `part / whole`, or nothing when there is no whole.
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The mean of what there is.
fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let values: Vec<f64> = values.flatten().collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests;
