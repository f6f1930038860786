//! Errors of reading Keras files.

use std::{io, path::PathBuf};

use crate::arch::{catalog::CatalogError, shape::ShapeError};

/// A Keras file cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum KerasError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file is not HDF5.
    #[error(
        "the file is not HDF5; save the model with `model.save('model.h5')` (`.keras` files, which are zip files, are not supported)"
    )]
    NotHdf5,
    /// The file is cut off or damaged.
    #[error("the HDF5 file is damaged or cut off, at {place}: {detail}")]
    Damaged {
        /// Attribute, group or array that was read.
        place: String,
        /// Error of the HDF5 reader.
        detail: String,
    },
    /// The values of an array are not floating-point numbers that can be read.
    #[error(
        "the {array} has {found}; supported are float16, float32 and float64. Save the model with one of these types"
    )]
    ElementType {
        /// The array.
        array: String,
        /// Its element type.
        found: String,
    },
    /// The file does not contain Keras weights.
    #[error(
        "the HDF5 file does not contain Keras weights: `model_weights`, `layer_names`, `layers` and `_layer_checkpoint_dependencies` are all missing"
    )]
    NoWeights,
    /// The file has no config, and no architecture was given.
    #[error(
        "the file contains only weights, without the model's config; name the network with --arch"
    )]
    WeightsAlone,
    /// The config is invalid or not supported.
    #[error("the file's model_config cannot be read: {0}")]
    Config(String),
    /// The model is not a network of the catalogue.
    #[error("{0}")]
    Unrecognised(String),
    /// A layer differs from the network.
    #[error(
        "the file is not a {architecture}: the first layer that differs is `{layer}`: expected {expected}, found {found}"
    )]
    Layer {
        /// The network of the catalogue.
        architecture: String,
        /// The catalogue's name of the layer.
        layer: String,
        /// Operation or arrays in the network.
        expected: String,
        /// Operation or arrays in the file.
        found: String,
    },
    /// A value is invalid.
    #[error("`{array}` of layer `{layer}` contains {problem}; the file cannot be used")]
    Value {
        /// The layer in the file.
        layer: String,
        /// The array.
        array: String,
        /// NaN, infinite, or a negative variance.
        problem: &'static str,
    },
    /// The network given with `--arch` is unknown.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The network's shapes are inconsistent.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}
