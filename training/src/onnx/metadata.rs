//! What a model file says of itself: the `mien.*` entries of its `metadata_props`.

use std::collections::BTreeMap;

use mien_faces::expression::Expression;

use super::{views::Views, weights::WeightFormat};

/// The contract's metadata, ready to be written.
#[derive(Debug, Clone)]
pub struct Metadata {
    /// The network's name in the catalogue.
    pub architecture: String,
    /// All its values, trainable and statistics.
    pub parameters: usize,
    /// The temperature inside the graph (Guo et al. 2017); 1 where none was fitted.
    pub temperature: f64,
    /// The views of a face that the graph averages.
    pub views: Views,
    /// How the file stores its weights.
    pub weights: WeightFormat,
    /// Data set and its SHA-256.
    pub trained_on: String,
    /// The recipe as JSON.
    pub recipe: serde_json::Value,
    /// Accuracy at export by split, 0..1; empty where no labelled test faces were at hand.
    pub accuracy: BTreeMap<String, f64>,
    /// When it was exported, RFC 3339, UTC.
    pub created: String,
}

impl Metadata {
    /// Key-value pairs in the order in which they are written.
    pub fn entries(&self) -> Vec<(&'static str, String)> {
        let labels = serde_json::json!(Expression::ALL.map(Expression::label));
        let accuracy = serde_json::json!(self.accuracy);
        vec![
            ("mien.labels", labels.to_string()),
            ("mien.architecture", self.architecture.clone()),
            ("mien.parameters", self.parameters.to_string()),
            ("mien.temperature", self.temperature.to_string()),
            ("mien.views", self.views.count().to_string()),
            ("mien.weights", self.weights.name().to_owned()),
            ("mien.trained_on", self.trained_on.clone()),
            ("mien.recipe", self.recipe.to_string()),
            ("mien.accuracy", accuracy.to_string()),
            ("mien.created", self.created.clone()),
        ]
    }
}
