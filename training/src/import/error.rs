//! Why an import fails.

use std::{io, path::PathBuf};

use tch::TchError;

use crate::{
    arch::shape::ShapeError,
    export::ExportError,
    keras::KerasError,
    onnx::{session::SessionError, writer::WriteError},
    torch::weights::WeightsError,
};

/// Why a Keras file gives no model file.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The Keras file.
    #[error(transparent)]
    Keras(#[from] KerasError),
    /// The pictures and outputs to compare with.
    #[error("cannot use {path}: {detail}; it should hold x [N,48,48,1] and y [N,7]")]
    Reference {
        /// The file.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// Keras' outputs are others.
    #[error(
        "the model differs from Keras' own outputs by {difference:e} (at most 1e-4 may be); nothing was written"
    )]
    Differs {
        /// Largest difference of a probability or logit.
        difference: f32,
    },
    /// The folder of the model file cannot be made.
    #[error("cannot make the folder {path}: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Comparing with libtorch, or writing.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The network's shapes.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// The weights do not fit.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The graph cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// libtorch refused.
    #[error("libtorch: {0}")]
    Torch(#[from] TchError),
    /// ONNX Runtime refused.
    #[error(transparent)]
    Session(#[from] SessionError),
}
