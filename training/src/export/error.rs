//! Why an export fails.

use std::{io, path::PathBuf};

use mien_faces::dataset::DatasetError;
use tch::TchError;

use crate::{
    arch::{catalog::CatalogError, shape::ShapeError},
    onnx::{session::SessionError, writer::WriteError},
    torch::weights::WeightsError,
    train::{checkpoint::CheckpointError, run::RunError},
};

/// Why a model is not written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Its checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// No checkpoint yet.
    #[error("{0} has no checkpoint yet; let it train first")]
    Untrained(PathBuf),
    /// Epochs are missing.
    #[error(
        "{folder} has finished {done} of {wanted} epochs; finish it with --resume, or export it as it is with --unfinished"
    )]
    Unfinished {
        /// The run's folder.
        folder: PathBuf,
        /// Finished epochs.
        done: usize,
        /// The recipe's epochs.
        wanted: usize,
    },
    /// The network's name.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
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
    /// No faces to compare and judge on.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The two disagree.
    #[error(
        "ONNX Runtime differs from libtorch by {difference:e} at batch {batch} (at most 1e-4 may be); nothing was written"
    )]
    Parity {
        /// Largest difference of a logit or probability.
        difference: f32,
        /// Faces a run.
        batch: usize,
    },
    /// The file cannot be written.
    #[error("cannot write {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}
