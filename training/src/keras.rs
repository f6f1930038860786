//! Reads models that Keras saved as `.h5`.
//!
//! ```text
//! file (HDF5) -> layers with arrays ─────────────────────────────┐
//!      └-> model_config -> config (layers and their operands) -> matching with the catalogue's graph -> weights
//! ```
//!
//! If the file has a config, layers are matched by operation and operands, independently of names and order. In a file with
//! only weights, layers are matched by order and shapes.

use crate::arch::graph::Graph;

mod config;
mod detection;
mod error;
mod file;
mod matching;
mod order;
mod signature;
mod weights;

pub use config::{Output, Scaling};
pub use error::KerasError;

/// Values by parameter name, in the memory layout of the catalogue's networks.
pub type Values = std::collections::HashMap<String, Vec<f32>>;

/// A Keras model as a network of the catalogue.
#[derive(Debug)]
pub struct KerasModel {
    /// The network, with the input normalisation of the Keras model.
    pub graph: Graph,
    /// Parameter values.
    pub values: Values,
    /// Input range of the Keras model.
    pub scaling: Scaling,
    /// Whether the Keras model returns probabilities or logits.
    pub output: Output,
    /// Keras version in the file; empty if the file has none.
    pub version: String,
}

/// Decodes a `.h5` file with a whole model or with only weights.
///
/// Without `architecture` the network is detected from the file's config.
///
/// # Errors
/// Returns an error if the bytes are not an HDF5 file, do not contain Keras weights, or do not match the network. A
/// mismatch names the first layer that differs.
pub fn decode(bytes: Vec<u8>, architecture: Option<&str>) -> Result<KerasModel, KerasError> {
    let file = file::KerasFile::decode(bytes)?;
    let (graph, pairs, scaling, output) = match &file.config {
        Some(config) => {
            let model = config::Model::parse(config)?;
            let (graph, pairs) = detection::detect_architecture(&model, architecture)?;
            (graph, pairs, model.scaling, model.output)
        }
        None => {
            let name = architecture.ok_or(KerasError::WeightsAlone)?;
            let graph = crate::arch::catalog::build(name)?;
            let pairs = order::pair(&graph, &file.layers)?;
            (graph, pairs, Scaling::UNIT, Output::Probabilities)
        }
    };
    let values = weights::collect(&graph, &pairs, &file.layers)?;
    let graph = graph.with_normalisation(scaling.mean, scaling.std);
    Ok(KerasModel {
        graph,
        values,
        scaling,
        output,
        version: file.version,
    })
}
