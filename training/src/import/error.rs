//! Errors of importing Keras models.

use std::{io, path::PathBuf};

use tch::TchError;

use crate::{
    arch::shape::ShapeError,
    export::ExportError,
    keras::KerasError,
    onnx::{error::WriteError, session::SessionError},
    torch::weights::WeightsError,
};

/// A Keras file cannot be converted to a model file.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The Keras file cannot be read or does not match a network.
    #[error(transparent)]
    Keras(#[from] KerasError),
    /// The reference images and outputs are invalid.
    #[error("cannot use {path}: {detail}; it must contain x [N,48,48,1] and y [N,7]")]
    Reference {
        /// The file.
        path: PathBuf,
        /// The cause.
        detail: String,
    },
    /// The outputs differ from those of Keras.
    #[error(
        "the model differs from Keras' own outputs by {difference:e}, but at most 1e-4 is allowed; no file was written"
    )]
    Differs {
        /// Largest difference of a probability or logit.
        difference: f32,
    },
    /// The folder of the model file cannot be created.
    #[error("cannot create the folder {path}: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The comparison with libtorch failed, or the file cannot be written.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The network's shapes are inconsistent.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// The weights do not match the network.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The graph cannot be encoded as ONNX.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// libtorch failed.
    #[error("libtorch: {0}")]
    Torch(#[from] TchError),
    /// ONNX Runtime failed.
    #[error(transparent)]
    Session(#[from] SessionError),
}
