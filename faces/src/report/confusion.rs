//! The confusion matrix and the scores of each class.

use serde::{Deserialize, Serialize};

use super::{mean, ratio};
use crate::expression::Expression;

/// Maximum number of confusions in a report.
const MOST_FREQUENT: usize = 10;

/// Numbers of images by label and prediction.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confusion {
    /// `[label][prediction]`, in class order.
    counts: [[u64; Expression::COUNT]; Expression::COUNT],
}

impl Confusion {
    /// Adds one prediction.
    pub fn add(&mut self, truth: Expression, prediction: Expression) {
        self.counts[truth.index()][prediction.index()] += 1;
    }

    /// Returns the number of images with label `truth` that were predicted as `prediction`.
    pub fn count(&self, truth: Expression, prediction: Expression) -> u64 {
        self.counts[truth.index()][prediction.index()]
    }

    /// Returns the number of images.
    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// Returns the number of correct predictions.
    pub fn correct(&self) -> u64 {
        Expression::ALL
            .into_iter()
            .map(|class| self.count(class, class))
            .sum()
    }

    /// Returns the number of images with this label.
    pub fn support(&self, label: Expression) -> u64 {
        self.counts[label.index()].iter().sum()
    }

    /// Returns the most frequent confusions, at most 10. Equally frequent ones are in class order.
    pub fn most_frequent(&self) -> Vec<Confused> {
        let pairs = Expression::ALL
            .into_iter()
            .flat_map(|a| Expression::ALL.map(|b| (a, b)));
        let confused = pairs
            .filter(|(label, prediction)| label != prediction)
            .filter_map(|(label, prediction)| {
                let images = self.count(label, prediction);
                let share = ratio(images, self.support(label))?;
                (images > 0).then_some(Confused {
                    label,
                    prediction,
                    images,
                    share,
                })
            });
        let mut confused: Vec<_> = confused.collect();
        confused.sort_by_key(|pair| std::cmp::Reverse(pair.images));
        confused.truncate(MOST_FREQUENT);
        confused
    }

    /// Returns precision, recall and F1 score of each class, in class order.
    pub fn class_scores(&self) -> Vec<ClassScore> {
        Expression::ALL
            .into_iter()
            .map(|class| self.class_score(class))
            .collect()
    }

    fn class_score(&self, label: Expression) -> ClassScore {
        let hits = self.count(label, label);
        let support = self.support(label);
        let predicted = Expression::ALL
            .into_iter()
            .map(|other| self.count(other, label))
            .sum();
        ClassScore {
            label,
            support,
            precision: ratio(hits, predicted),
            recall: ratio(hits, support),
            f1: ratio(2 * hits, support + predicted),
        }
    }

    /// Returns the mean F1 score over the classes that have one.
    pub fn macro_f1(&self) -> Option<f64> {
        mean(self.class_scores().iter().map(|class| class.f1))
    }

    /// Returns the mean recall over the classes that have images.
    pub fn balanced_accuracy(&self) -> Option<f64> {
        mean(self.class_scores().iter().map(|class| class.recall))
    }
}

/// A class that is predicted as another one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Confused {
    /// Label of the images.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub label: Expression,
    /// The incorrect prediction.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub prediction: Expression,
    /// Number of images.
    pub images: u64,
    /// Their share of the images with this label, 0 to 1.
    pub share: f64,
}

/// The scores of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClassScore {
    /// The class.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub label: Expression,
    /// Number of images with this label.
    pub support: u64,
    /// Share of correct predictions among the predictions of this class; null if it was never predicted.
    pub precision: Option<f64>,
    /// Share of correct predictions among the images of this class; null without images.
    pub recall: Option<f64>,
    /// Harmonic mean of precision and recall, `2 hits / (support + predictions)`; null without images and predictions.
    pub f1: Option<f64>,
}
