//! Images for which two models predict different classes.

use serde::{Deserialize, Serialize};

use super::{Outcome, Prediction, mistakes::descending};
use crate::expression::Expression;

/// Maximum number of images that a comparison lists.
const MAX_LISTED: usize = 100;

/// The images for which the models predict different classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Flips {
    /// Number of such images: those that only one model classifies correctly, and those with two different incorrect predictions.
    pub count: u64,
    /// At most 100 of them, in descending order of the lower of the two confidences, then in order of their names.
    pub images: Vec<Flip>,
}

/// An image for which the models predict different classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Flip {
    /// Opaque identifier of the image.
    pub image: String,
    /// Name of the image within the data set.
    pub name: String,
    /// Label of the image.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub label: Expression,
    /// Prediction of a.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub a: Expression,
    /// Prediction of b.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub b: Expression,
    /// Confidence of a, 0 to 1.
    pub confidence_a: f32,
    /// Confidence of b, 0 to 1.
    pub confidence_b: f32,
}

impl Flips {
    pub(super) fn of(mut images: Vec<Flip>) -> Self {
        let count = images.len() as u64;
        images.sort_by(|x, y| {
            descending(x.confidence(), y.confidence())
                .then_with(|| (&x.name, &x.image).cmp(&(&y.name, &y.image)))
        });
        images.truncate(MAX_LISTED);
        Self { count, images }
    }
}

impl Flip {
    pub(super) fn of(image: &Prediction, a: &Outcome, b: &Outcome) -> Self {
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

    /// Returns the lower of the two confidences.
    fn confidence(&self) -> f32 {
        self.confidence_a.min(self.confidence_b)
    }
}
