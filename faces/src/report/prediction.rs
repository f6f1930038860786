//! The predictions of an evaluation.

use super::Outcome;
use crate::{dataset::Usage, expression::Expression, grouping::Grouping};

/// The predictions of an evaluation and the groups of its images.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Predictions {
    /// Prediction for each image.
    pub images: Vec<Prediction>,
    /// Groupings of the images, in the order of `images`.
    pub groupings: Vec<Grouping>,
}

/// An image of a data set and the prediction for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// Identifier of the image, the same for all models and evaluations: [`Sample::id`](crate::dataset::Sample::id).
    pub image: String,
    /// Name within the data set.
    pub name: String,
    /// Its use in FER2013.
    pub usage: Usage,
    /// The label.
    pub truth: Expression,
    /// The probability of each class in class order; they sum to 1.
    pub probabilities: [f32; Expression::COUNT],
}

impl Prediction {
    /// Returns the part that scores depend on.
    pub fn outcome(&self) -> Outcome {
        let Self {
            truth,
            usage,
            probabilities,
            ..
        } = *self;
        Outcome {
            truth,
            usage,
            probabilities,
        }
    }
}
