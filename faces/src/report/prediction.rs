//! What a model made of one image.

use super::Outcome;
use crate::{dataset::Usage, expression::Expression};

/// One image of a data set and what a model made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The image's id, the same for every model and evaluation: [`Sample::id`](crate::dataset::Sample::id).
    pub image: String,
    /// Where it is within the data set.
    pub name: String,
    /// What FER2013 used it for.
    pub usage: Usage,
    /// The label.
    pub truth: Expression,
    /// The probability of each class in class order, adding up to 1.
    pub probabilities: [f32; Expression::COUNT],
}

impl Prediction {
    /// What counts for a report.
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
