//! Reads models that Keras saved as `.h5`.
//!
//! ```text
//! file (HDF5) -> layers with arrays ─────────────────────────────┐
//!      └-> model_config -> config (layers and what they read) -> matching with the catalogue's graph -> weights
//! ```
//!
//! With the model's own config, layers are matched by what they do and what they read, so neither their names nor their
//! order matter. A file of weights alone is matched by the order of its layers and their shapes.

use crate::arch::graph::Graph;

mod config;
mod error;
mod file;
mod matching;
mod order;
mod recognise;
mod signature;
mod weights;

pub use config::{Output, Scaling};
pub use error::KerasError;

/// Values by parameter name, in the layout of the network's parameters.
pub type Values = std::collections::HashMap<String, Vec<f32>>;

/// A model of a Keras file in the terms of the catalogue.
#[derive(Debug)]
pub struct KerasModel {
    /// The network, with the scaling of its pictures that the Keras model was trained with.
    pub graph: Graph,
    /// Its values.
    pub values: Values,
    /// The range of the pictures that the Keras model itself takes.
    pub scaling: Scaling,
    /// Whether the Keras model ends with its softmax.
    pub output: Output,
    /// The Keras version that the file names; empty where it names none.
    pub version: String,
}

/// Reads the bytes of a `.h5` file, of a whole model or of weights alone.
///
/// The network is recognised from the file's own config where `architecture` names none.
///
/// # Errors
/// Where the bytes are no HDF5 file, hold no Keras weights, or do not fit the network: then with the first layer that
/// differs, what was expected and what was found.
pub fn decode(bytes: Vec<u8>, architecture: Option<&str>) -> Result<KerasModel, KerasError> {
    let file = file::KerasFile::decode(bytes)?;
    let (graph, pairs, scaling, output) = match &file.config {
        Some(config) => {
            let model = config::Model::parse(config)?;
            let (graph, pairs) = recognise::find(&model, architecture)?;
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
    Ok(KerasModel { graph, values, scaling, output, version: file.version })
}
