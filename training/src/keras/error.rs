//! Why a Keras file is not imported.

use std::{io, path::PathBuf};

use crate::arch::{catalog::CatalogError, shape::ShapeError};

/// Why a Keras file is not imported.
#[derive(Debug, thiserror::Error)]
pub enum KerasError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The bytes are of another kind.
    #[error(
        "this is no HDF5 file; save the model as `model.save('model.h5')` (a `.keras` file is a zip and is not read)"
    )]
    NotHdf5,
    /// The file is cut off or damaged.
    #[error("the HDF5 file is damaged or cut off, at {place}: {detail}")]
    Damaged {
        /// What was being read.
        place: String,
        /// What the reader says.
        detail: String,
    },
    /// No Keras weights.
    #[error(
        "the HDF5 file holds no Keras weights: neither `model_weights`, `layer_names` nor `layers` is in it"
    )]
    NoWeights,
    /// No config, and no name.
    #[error("the file holds weights alone and does not tell its network; name it with --arch")]
    WeightsAlone,
    /// The config cannot be understood.
    #[error("the file's model_config cannot be read: {0}")]
    Config(String),
    /// No network of the catalogue.
    #[error("{0}")]
    Unrecognised(String),
    /// A layer that differs.
    #[error(
        "the file is not a {architecture}: the first layer that differs is `{layer}`: expected {expected}, found {found}"
    )]
    Layer {
        /// The network of the catalogue.
        architecture: String,
        /// The catalogue's name of the layer.
        layer: String,
        /// What the network has there.
        expected: String,
        /// What the file has.
        found: String,
    },
    /// A value that is no number.
    #[error("`{array}` of layer `{layer}` holds {problem}; the file cannot be used")]
    Value {
        /// The layer in the file.
        layer: String,
        /// The array.
        array: String,
        /// NaN, infinite, or a negative variance.
        problem: &'static str,
    },
    /// The name given with `--arch`.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The network's shapes.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}
