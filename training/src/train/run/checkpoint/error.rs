//! Errors of checkpoints.

use std::{io, path::PathBuf};

use tch::TchError;

use crate::torch::weights::WeightsError;

/// A checkpoint cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The folder cannot be written or read.
    #[error("cannot access {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The disk is full. The previous checkpoint is intact.
    #[error(
        "the disk is full: cannot write {path} ({source}); the previous checkpoint is intact: free disk space and continue with --resume"
    )]
    Full {
        /// The file.
        path: PathBuf,
        /// The I/O error.
        source: io::Error,
    },
    /// The file cannot be written or read as tensors.
    #[error(
        "cannot save or load {path} as tensors: {source}; it may be damaged or come from another program"
    )]
    Tensors {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: TchError,
    },
    /// The file has no state, or the state of another version.
    #[error("{path} is not a checkpoint of this version of mien-train: {detail}")]
    State {
        /// The file.
        path: PathBuf,
        /// The cause.
        detail: String,
    },
    /// The file's tensors do not match the network.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}
