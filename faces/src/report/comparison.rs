//! Two models on the same images: which is better, and how sure that is.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{
    Confusion, Outcome, Prediction, Score, mcnemar, mistakes::falling, paired_difference, ratio,
};
use crate::expression::Expression;

/// How many of the images that flipped are named.
const NAMED: usize = 100;

/// What comparing two lists of predictions finds out. Differences are `b - a`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Comparison {
    /// Images in both lists; everything below is about them alone.
    pub images: u64,
    /// Images of a that b lacks.
    pub only_in_a: u64,
    /// Images of b that a lacks.
    pub only_in_b: u64,
    /// How often a is right.
    pub a: Score,
    /// How often b is right.
    pub b: Score,
    /// The accuracy of b less that of a, -1 to 1.
    pub difference: f64,
    /// The difference's 95 % interval for paired images (Newcombe 1998, method 10).
    pub difference_interval: [f64; 2],
    /// The two-sided p-value of McNemar's exact test, 0 to 1: how probable so uneven a split of the images that only one
    /// gets right is, were both models equally good.
    pub p_value: f64,
    /// Numbers of images by whether a and b predict the correct class: the table of McNemar's test.
    pub pairs: Pairs,
    /// Each class, in class order.
    pub classes: Vec<ClassDifference>,
    /// The images that the two take for different classes.
    pub flipped: Flips,
}

/// Numbers of images by whether a and b predict the correct class: the table of McNemar's test.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pairs {
    /// Both are correct.
    pub both_correct: u64,
    /// Only a is correct.
    pub only_a_correct: u64,
    /// Only b is correct.
    pub only_b_correct: u64,
    /// Neither is correct.
    pub both_incorrect: u64,
}

/// A class as the two see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClassDifference {
    /// The class.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub label: Expression,
    /// Images with this label.
    pub support: u64,
    /// The part of them that a finds; null when there are none.
    pub recall_a: Option<f64>,
    /// The part of them that b finds; null when there are none.
    pub recall_b: Option<f64>,
    /// `recall_b - recall_a`; null when there are none.
    pub difference: Option<f64>,
}

/// The images that the two take for different classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Flips {
    /// How many: those that only one gets right, and those that both get wrong in different ways.
    pub count: u64,
    /// At most 100 of them. First come those where even the less sure model is sure; of equals, names in order.
    pub images: Vec<Flip>,
}

/// An image that the two take for different classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Flip {
    /// The image's opaque id.
    pub image: String,
    /// Its name within the data set.
    pub name: String,
    /// What it is.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub label: Expression,
    /// What a takes it for.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub a: Expression,
    /// What b takes it for.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub b: Expression,
    /// The probability that a gives to its prediction, 0 to 1.
    pub confidence_a: f32,
    /// The probability that b gives to its prediction, 0 to 1.
    pub confidence_b: f32,
}

/// Why two lists cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    /// No image is in both.
    #[error("the two have no image in common; evaluate both on the same images")]
    NothingInCommon,
    /// An image stands in one list twice.
    #[error("{name} is there twice; each image must be there once")]
    Twice {
        /// The image's name.
        name: String,
    },
    /// The two do not agree on what an image is.
    #[error("{name} is {a} in one and {b} in the other; evaluate both on the same data")]
    OtherLabel {
        /// The image's name.
        name: String,
        /// Its label in the first list.
        a: Expression,
        /// Its label in the second list.
        b: Expression,
    },
}

/// Compares two models by their predictions of the same images, which are joined by their ids.
///
/// # Errors
/// When no image is in both lists, one is in a list twice, or its label is another one in the other list.
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

/// Counts the images of both lists one by one.
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
        let pairs = &mut self.pairs;
        *match (a.prediction() == a.truth, b.prediction() == b.truth) {
            (true, true) => &mut pairs.both_correct,
            (true, false) => &mut pairs.only_a_correct,
            (false, true) => &mut pairs.only_b_correct,
            (false, false) => &mut pairs.both_incorrect,
        } += 1;
        if a.prediction() != b.prediction() {
            self.flips.push(Flip::of(in_a, &a, &b));
        }
        Ok(())
    }

    /// `None` where nothing was counted.
    fn comparison(self, len_a: usize, len_b: usize) -> Option<Comparison> {
        let Pairs {
            both_correct,
            only_a_correct,
            only_b_correct,
            both_incorrect,
        } = self.pairs;
        let interval =
            paired_difference(both_correct, only_a_correct, only_b_correct, both_incorrect)?;
        let (a, b) = (Score::of(&self.a), Score::of(&self.b));
        let images = a.total;
        Some(Comparison {
            images,
            only_in_a: len_a as u64 - images,
            only_in_b: len_b as u64 - images,
            difference: (only_b_correct as f64 - only_a_correct as f64) / images as f64,
            difference_interval: interval,
            p_value: mcnemar(only_a_correct, only_b_correct),
            pairs: self.pairs,
            classes: classes(&self.a, &self.b),
            flipped: Flips::of(self.flips),
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

impl Flips {
    fn of(mut images: Vec<Flip>) -> Self {
        let count = images.len() as u64;
        images.sort_by(|x, y| {
            falling(x.sureness(), y.sureness())
                .then_with(|| (&x.name, &x.image).cmp(&(&y.name, &y.image)))
        });
        images.truncate(NAMED);
        Self { count, images }
    }
}

impl Flip {
    fn of(image: &Prediction, a: &Outcome, b: &Outcome) -> Self {
        Self {
            image: image.image.clone(),
            name: image.name.clone(),
            label: image.truth,
            a: a.prediction(),
            b: b.prediction(),
            confidence_a: a.confidence(),
            confidence_b: b.confidence(),
        }
    }

    /// The confidence of the less sure model.
    fn sureness(&self) -> f32 {
        self.confidence_a.min(self.confidence_b)
    }
}
