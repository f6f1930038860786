//! Why an export fails.

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
    /// Rounding the weights changes too much.
    #[error(
        "float16 weights change outputs by {:e} (at most 1e-3 may be) and {} labels of {} faces; nothing was written; \
         export with --weights fp32",
        .0.difference, .0.labels_changed, .0.faces
    )]
    Rounding(Rounding),
    /// The training faces cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The temperature is to come from a run that is another one.
    #[error(
        "{folder} is no run to take the temperature from: `{key}` is {there} there and {here} here; \
         train it with the same network, data and recipe but for `holdout`"
    )]
    OtherRecipe {
        /// The other run's folder.
        folder: PathBuf,
        /// What differs.
        key: String,
        /// Its value in the run that is exported.
        here: String,
        /// Its value in the other one.
        there: String,
    },
    /// The temperature is to come from a run without held-out faces.
    #[error("{0} held no faces out to fit a temperature on; train it with --holdout 0.1")]
    NoHoldout(PathBuf),
    /// The held-out faces are not at hand.
    #[error(
        "the training images in {0} are not those the run began with, so its held-out faces are not among them; \
         name the right data set with --data"
    )]
    OtherData(PathBuf),
    /// A picture.
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
        /// Why.
        source: io::Error,
    },
}
