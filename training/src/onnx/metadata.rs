//! Metadata of model files: the `mien.*` entries of `metadata_props`.

use std::collections::BTreeMap;

use mien_faces::expression::Expression;

use super::{views::Views, weights::WeightFormat};

/// The metadata that `models/README.md` specifies.
#[derive(Debug, Clone)]
pub struct Metadata {
    /// The network's name in the catalogue.
    pub architecture: String,
    /// Number of parameters, including batch-norm statistics.
    pub parameters: usize,
    /// The temperature inside the graph (Guo et al. 2017); 1 if it was not fitted.
    pub temperature: f64,
    /// The views of a face that the graph averages.
    pub views: Views,
    /// Element type of the stored weights.
    pub weights: WeightFormat,
    /// Data set and its SHA-256.
    pub trained_on: String,
    /// The recipe as JSON.
    pub recipe: serde_json::Value,
    /// Accuracy at export by split, 0..1; empty without test faces.
    pub accuracy: BTreeMap<String, f64>,
    /// Time of the export, RFC 3339, UTC.
    pub created: String,
}

impl Metadata {
    /// Returns the key-value pairs in file order.
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
