//! Where a model is wrong and sure of it.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::{Outcome, Prediction};
use crate::expression::Expression;

/// How many mistakes are shown.
const MISTAKES: usize = 24;

/// A wrong prediction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Mistake {
    /// The image's opaque id.
    pub image: String,
    /// Its name within the data set.
    pub name: String,
    /// What it is.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub label: Expression,
    /// What the model takes it for.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub prediction: Expression,
    /// The probability that the model gives to that, 0 to 1.
    pub confidence: f32,
}

/// The 24 most confident mistakes, the surest first; of equals those whose names come first.
pub fn mistakes(predictions: &[Prediction]) -> Vec<Mistake> {
    let mut wrong: Vec<(Outcome, &Prediction)> = predictions
        .iter()
        .map(|prediction| (prediction.outcome(), prediction))
        .filter(|(outcome, _)| outcome.prediction() != outcome.truth)
        .collect();
    wrong.sort_by(|(a, p), (b, q)| {
        falling(a.confidence(), b.confidence())
            .then_with(|| (&p.name, &p.image).cmp(&(&q.name, &q.image)))
    });
    let mistake = |(outcome, prediction): (Outcome, &Prediction)| Mistake {
        image: prediction.image.clone(),
        name: prediction.name.clone(),
        label: outcome.truth,
        prediction: outcome.prediction(),
        confidence: outcome.confidence(),
    };
    wrong.into_iter().take(MISTAKES).map(mistake).collect()
}

/// The greater one first.
pub(super) fn falling(a: f32, b: f32) -> Ordering {
    b.total_cmp(&a)
}
