//! The label of a face in `/v1/classify` and `/v1/faces`.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::{http::ApiError, inference::Probabilities, models::registry::LiveModel};

/// The prediction of the model for a face.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LabelPrediction)]
pub(in crate::http) struct LabelPrediction<'a> {
    /// The most probable label, or null if its probability is below `min_confidence`.
    #[schema(example = "happy")]
    label: Option<&'a str>,
    /// Probability of the most probable label, 0 to 1.
    #[schema(example = 0.91)]
    confidence: f32,
    /// True if the probability of the most probable label is below `min_confidence`; otherwise it is missing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    uncertain: bool,
    /// Label -> probability, 0 to 1. The probabilities of all labels sum to 1.
    #[schema(example = json!({"happy": 0.91, "neutral": 0.06, "surprise": 0.03}))]
    probabilities: BTreeMap<&'a str, f32>,
}

/// The query parameters of a label.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct LabelOptions {
    /// Number of probabilities.
    top_k: usize,
    /// Minimum probability of a label, 0 to 1.
    min_confidence: f32,
}

impl LabelOptions {
    /// Checks the parameters of a query for a model.
    ///
    /// # Errors
    /// Returns an error for a value out of range.
    pub(in crate::http) fn new(
        top_k: Option<usize>,
        min_confidence: Option<f32>,
        model: &LiveModel,
    ) -> Result<Self, ApiError> {
        let labels = model.manifest.labels.len();
        let top_k = top_k.unwrap_or(labels);
        if !(1..=labels).contains(&top_k) {
            let detail = format!("query: top_k is {top_k}; expected 1 to {labels}");
            return Err(ApiError::invalid_request(detail));
        }
        let min_confidence = min_confidence.unwrap_or_default();
        if !(0.0..=1.0).contains(&min_confidence) {
            let detail = format!("query: min_confidence is {min_confidence}; expected 0 to 1");
            return Err(ApiError::invalid_request(detail));
        }
        Ok(Self {
            top_k,
            min_confidence,
        })
    }

    /// Returns the prediction for a face.
    pub(in crate::http) fn predict<'a>(
        self,
        model: &'a LiveModel,
        row: &Probabilities,
    ) -> LabelPrediction<'a> {
        let name = |class: usize| model.manifest.labels.get(class).unwrap_or_default();
        let (class, confidence) = row.top();
        let uncertain = confidence < self.min_confidence;
        let ranked = row.ranked(self.top_k).into_iter();
        LabelPrediction {
            label: (!uncertain).then(|| name(class)),
            confidence,
            uncertain,
            probabilities: ranked
                .map(|class| (name(class), row.as_slice()[class]))
                .collect(),
        }
    }
}
