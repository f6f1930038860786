//! Compares two models on the same images.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{
    Confusion, Prediction, Predictions, Score,
    flips::{Flip, Flips},
    group_comparison::{GroupingComparison, WorstGroup, group_differences, largest_loss},
    mcnemar,
    pairs::Pairs,
    ratio,
};
use crate::expression::Expression;

/// The comparison of two lists of predictions. Differences are `b - a`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Comparison {
    /// Number of images in both lists; all other values except `only_in_a` and `only_in_b` cover only these.
    pub images: u64,
    /// Number of images that are only in a.
    pub only_in_a: u64,
    /// Number of images that are only in b.
    pub only_in_b: u64,
    /// Accuracy of a.
    pub a: Score,
    /// Accuracy of b.
    pub b: Score,
    /// Accuracy of b minus that of a, -1 to 1.
    pub difference: f64,
    /// The 95 % interval of the difference for paired images (Newcombe 1998, method 10).
    pub difference_interval: [f64; 2],
    /// The two-sided p-value of McNemar's exact test, 0 to 1: the probability of a difference at least as large if both models are
    /// equally accurate.
    pub p_value: f64,
    /// Numbers of images by whether a and b predict the correct class: the table of McNemar's test.
    pub pairs: Pairs,
    /// The recall of each class, in class order.
    pub classes: Vec<ClassDifference>,
    /// The images for which the models predict different classes.
    pub flipped: Flips,
    /// The accuracies per group. The groups are those of the evaluation b, or those of a if b does not have groups.
    #[serde(default)]
    pub groups: Vec<GroupingComparison>,
    /// The group of at least 30 images with the lowest `difference`; null if the accuracy of no such group is lower in b.
    #[serde(default)]
    pub largest_group_loss: Option<WorstGroup>,
}

/// The recall of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClassDifference {
    /// The class.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub label: Expression,
    /// Number of images with this label.
    pub support: u64,
    /// Recall of a; null without images.
    pub recall_a: Option<f64>,
    /// Recall of b; null without images.
    pub recall_b: Option<f64>,
    /// `recall_b - recall_a`; null without images.
    pub difference: Option<f64>,
}

/// Why two lists of predictions cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    /// No image is in both lists.
    #[error("the evaluations have no image in common; evaluate both models on the same images")]
    NothingInCommon,
    /// An image is in one list twice.
    #[error("{name} is listed twice; each image must be listed once")]
    Twice {
        /// Name of the image.
        name: String,
    },
    /// An image has different labels.
    #[error(
        "{name} has the label {a} in one evaluation and {b} in the other; evaluate both models on the same data"
    )]
    OtherLabel {
        /// Name of the image.
        name: String,
        /// Its label in the first list.
        a: Expression,
        /// Its label in the second list.
        b: Expression,
    },
}

/// Compares two models by their predictions for the same images, without groups. Images are joined by their identifiers.
///
/// # Errors
/// Returns an error if no image is in both lists, an image is in a list twice, or an image has different labels.
pub fn compare(a: &[Prediction], b: &[Prediction]) -> Result<Comparison, CompareError> {
    let mut of_b = by_id(b)?;
    by_id(a)?;
    let mut tally = Tally::default();
    for in_a in a {
        if let Some(in_b) = of_b.remove(in_a.image.as_str()) {
            tally.add(in_a, in_b)?;
        }
    }
    tally
        .comparison(a.len(), b.len())
        .ok_or(CompareError::NothingInCommon)
}

/// Compares two models like [`compare`], and per group. The groups are those of b, or those of a if b does not have groups.
///
/// # Errors
/// Returns the errors of [`compare`].
pub fn compare_with_groups(a: &Predictions, b: &Predictions) -> Result<Comparison, CompareError> {
    let comparison = compare(&a.images, &b.images)?;
    let groups = group_differences(a, b);
    Ok(Comparison {
        largest_group_loss: largest_loss(&groups),
        groups,
        ..comparison
    })
}

fn by_id(predictions: &[Prediction]) -> Result<HashMap<&str, &Prediction>, CompareError> {
    let mut by_id = HashMap::with_capacity(predictions.len());
    for prediction in predictions {
        if by_id
            .insert(prediction.image.as_str(), prediction)
            .is_some()
        {
            return Err(CompareError::Twice {
                name: prediction.name.clone(),
            });
        }
    }
    Ok(by_id)
}

/// Accumulates the images that are in both lists.
#[derive(Default)]
struct Tally {
    a: Confusion,
    b: Confusion,
    pairs: Pairs,
    flips: Vec<Flip>,
}

impl Tally {
    fn add(&mut self, in_a: &Prediction, in_b: &Prediction) -> Result<(), CompareError> {
        if in_a.truth != in_b.truth {
            let (name, a, b) = (in_a.name.clone(), in_a.truth, in_b.truth);
            return Err(CompareError::OtherLabel { name, a, b });
        }
        let (a, b) = (in_a.outcome(), in_b.outcome());
        self.a.add(a.truth, a.prediction());
        self.b.add(b.truth, b.prediction());
        self.pairs.add(a.is_correct(), b.is_correct());
        if a.prediction() != b.prediction() {
            self.flips.push(Flip::of(in_a, &a, &b));
        }
        Ok(())
    }

    /// Returns the comparison, or `None` without images.
    fn comparison(self, len_a: usize, len_b: usize) -> Option<Comparison> {
        let pairs = self.pairs;
        let (difference, interval) = (pairs.difference()?, pairs.difference_interval()?);
        let (a, b) = (Score::of(&self.a), Score::of(&self.b));
        let images = a.total;
        Some(Comparison {
            images,
            only_in_a: len_a as u64 - images,
            only_in_b: len_b as u64 - images,
            difference,
            difference_interval: interval,
            p_value: mcnemar(pairs.only_a_correct, pairs.only_b_correct),
            pairs,
            classes: classes(&self.a, &self.b),
            flipped: Flips::of(self.flips),
            groups: Vec::new(),
            largest_group_loss: None,
            a,
            b,
        })
    }
}

fn classes(a: &Confusion, b: &Confusion) -> Vec<ClassDifference> {
    let class = |label| {
        let support = a.support(label);
        let recall_a = ratio(a.count(label, label), support);
        let recall_b = ratio(b.count(label, label), support);
        let difference = recall_a.zip(recall_b).map(|(a, b)| b - a);
        ClassDifference {
            label,
            support,
            recall_a,
            recall_b,
            difference,
        }
    };
    Expression::ALL.into_iter().map(class).collect()
}
