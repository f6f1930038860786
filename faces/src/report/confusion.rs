//! Counts of (label, prediction) and the scores of each class.

use serde::{Deserialize, Serialize};

use super::{mean, ratio};
use crate::expression::Expression;

/// How many confusions a report names.
const MOST_FREQUENT: usize = 10;

/// How often each label was taken for each class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confusion {
    /// `[label][prediction]`, in class order.
    counts: [[u64; Expression::COUNT]; Expression::COUNT],
}

impl Confusion {
    /// Counts one prediction.
    pub fn add(&mut self, truth: Expression, prediction: Expression) {
        self.counts[truth.index()][prediction.index()] += 1;
    }

    /// How many images with label `truth` were taken for `prediction`.
    pub fn count(&self, truth: Expression, prediction: Expression) -> u64 {
        self.counts[truth.index()][prediction.index()]
    }

    /// All images.
    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// The images on the diagonal.
    pub fn correct(&self) -> u64 {
        Expression::ALL
            .into_iter()
            .map(|class| self.count(class, class))
            .sum()
    }

    /// The images with this label.
    pub fn support(&self, label: Expression) -> u64 {
        self.counts[label.index()].iter().sum()
    }

    /// The confusions that occur most often, at most 10; of equals those that come first in class order.
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

    /// Precision, recall and F1 of each class, in class order.
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

    /// The mean F1 over the classes that have one.
    pub fn macro_f1(&self) -> Option<f64> {
        mean(self.class_scores().iter().map(|class| class.f1))
    }

    /// The mean recall over the classes that have images.
    pub fn balanced_accuracy(&self) -> Option<f64> {
        mean(self.class_scores().iter().map(|class| class.recall))
    }
}

/// A class that is taken for another one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Confused {
    /// What the images are.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub label: Expression,
    /// What they are taken for.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub prediction: Expression,
    /// How many.
    pub images: u64,
    /// Their share of the images with this label, 0 to 1.
    pub share: f64,
}

/// How well one class is told from the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClassScore {
    /// The class.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub label: Expression,
    /// Images with this label.
    pub support: u64,
    /// The part of the predictions of this class that are right; null when it was never predicted.
    pub precision: Option<f64>,
    /// The part of the images of this class that were found; null when there are none.
    pub recall: Option<f64>,
    /// The harmonic mean of both, as `2 hits / (support + predictions)`; null without images and predictions.
    pub f1: Option<f64>,
}
