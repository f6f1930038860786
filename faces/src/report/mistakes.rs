//! The most confident incorrect predictions.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::{Outcome, Prediction};
use crate::expression::Expression;

/// Maximum number of mistakes.
const MAX_MISTAKES: usize = 24;

/// An incorrect prediction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Mistake {
    /// Opaque identifier of the image.
    pub image: String,
    /// Name of the image within the data set.
    pub name: String,
    /// Label of the image.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub label: Expression,
    /// The incorrect prediction.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub prediction: Expression,
    /// Probability of the prediction, 0 to 1.
    pub confidence: f32,
}

/// Returns the 24 most confident mistakes in descending order of confidence, then in order of their names.
pub fn mistakes(predictions: &[Prediction]) -> Vec<Mistake> {
    let mut incorrect: Vec<(Outcome, &Prediction)> = predictions
        .iter()
        .map(|prediction| (prediction.outcome(), prediction))
        .filter(|(outcome, _)| outcome.prediction() != outcome.truth)
        .collect();
    incorrect.sort_by(|(a, p), (b, q)| {
        descending(a.confidence(), b.confidence())
            .then_with(|| (&p.name, &p.image).cmp(&(&q.name, &q.image)))
    });
    let mistake = |(outcome, prediction): (Outcome, &Prediction)| Mistake {
        image: prediction.image.clone(),
        name: prediction.name.clone(),
        label: outcome.truth,
        prediction: outcome.prediction(),
        confidence: outcome.confidence(),
    };
    incorrect
        .into_iter()
        .take(MAX_MISTAKES)
        .map(mistake)
        .collect()
}

/// Orders numbers descending.
pub(super) fn descending(a: f32, b: f32) -> Ordering {
    b.total_cmp(&a)
}
