//! Errors of exports.

use std::{io, path::PathBuf};

use mien_faces::dataset::DatasetError;
use tch::TchError;

use crate::{
    arch::{catalog::CatalogError, shape::ShapeError},
    data::DataError,
    onnx::{error::WriteError, session::SessionError},
    plot::PlotError,
    report::Rounding,
    torch::weights::WeightsError,
    train::run::{checkpoint::CheckpointError, error::RunError},
};

/// A model cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The run's folder is missing or damaged.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The checkpoint cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The run has not written a checkpoint.
    #[error("{0} has no checkpoint yet; train the run first")]
    Untrained(PathBuf),
    /// The run has not finished all epochs.
    #[error(
        "{folder} has finished {done} of {epochs} epochs; finish the run with --resume, or export its current weights with --unfinished"
    )]
    Unfinished {
        /// The run's folder.
        folder: PathBuf,
        /// Finished epochs.
        done: usize,
        /// The recipe's epochs.
        epochs: usize,
    },
    /// The network is unknown.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
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
    /// The data set cannot be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The outputs of ONNX Runtime and libtorch differ.
    #[error(
        "ONNX Runtime differs from libtorch by {difference:e} at batch size {batch}, but at most 1e-4 is allowed; no file was written"
    )]
    Parity {
        /// Largest difference of a logit or probability.
        difference: f32,
        /// The batch size.
        batch: usize,
    },
    /// Rounded weights change the outputs too much.
    #[error(
        "float16 weights change outputs by {:e}, but at most 1e-3 is allowed, and change {} labels of {} faces; no file was \
         written; export with --weights fp32",
        .0.difference, .0.labels_changed, .0.faces
    )]
    Rounding(Rounding),
    /// The training faces cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The run of `--temperature-from` differs in more than `holdout`.
    #[error(
        "cannot take the temperature from {folder}: `{key}` is {there} there and {here} in the exported run; \
         name a run with the same network, data and recipe except for `holdout`"
    )]
    OtherRecipe {
        /// The other run's folder.
        folder: PathBuf,
        /// The key that differs.
        key: String,
        /// The key's value in the exported run.
        here: String,
        /// The key's value in the other run.
        there: String,
    },
    /// The run of `--temperature-from` has no held-out faces.
    #[error("{0} has no held-out faces to fit a temperature on; train it with --holdout 0.1")]
    NoHoldout(PathBuf),
    /// The data set does not contain the run's training faces.
    #[error(
        "the training images in {0} differ from those that the run started with, so its held-out faces are unknown; \
         name the original data set with --data"
    )]
    OtherData(PathBuf),
    /// A plot cannot be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// The report cannot be written as JSON.
    #[error("cannot write the report: {0}")]
    Json(#[from] serde_json::Error),
    /// The file cannot be written.
    #[error("cannot write {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The I/O error.
        source: io::Error,
    },
}
