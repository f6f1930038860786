//! Errors of `mien-train quantize`.

use std::{
    io,
    path::{Path, PathBuf},
};

use mien_faces::{dataset::DatasetError, report::CompareError};

use crate::{
    data::DataError,
    export::{ExportError, OriginError},
    onnx::{quantization::QuantizationError, session::SessionError},
    plot::PlotError,
};

/// A model cannot be quantised.
#[derive(Debug, thiserror::Error)]
pub enum QuantizeError {
    /// The float file or its metadata cannot be read.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// The graph of the float file cannot be quantised.
    #[error(transparent)]
    Quantization(#[from] QuantizationError),
    /// The INT8 file would replace files of the float model.
    #[error(
        "{0} is the folder of the float model; name a file in another version folder with --out"
    )]
    SameFolder(PathBuf),
    /// The model was trained on another data set, so its held-out faces are not known.
    #[error(
        "the model was trained on faces with the SHA-256 {there}, but those of --data have {here}; name the data set of the model"
    )]
    OtherData {
        /// SHA-256 of its training faces.
        there: String,
        /// SHA-256 of the training faces of `--data`.
        here: String,
    },
    /// The model held out no faces, so the loss is unknown.
    #[error(
        "the recipe of the model has holdout = {0}, so the loss cannot be measured on held-out faces; \
         quantise a model that was trained with --holdout 0.05 or more"
    )]
    NoHoldout(f64),
    /// The INT8 file is less accurate than allowed.
    #[error(
        "the INT8 file increases the log-loss by {loss:.4} nats on {faces} held-out faces and changes {labels_changed} of their \
         labels (calibration: {method}), but --max-loss allows {max_loss}; no file was written. Calibrate on more faces \
         with --calibration-faces, or raise --max-loss"
    )]
    Loss {
        /// Increase of the log-loss, nats.
        loss: f64,
        /// Maximum increase, nats.
        max_loss: f64,
        /// The best calibration method.
        method: String,
        /// Number of held-out faces.
        faces: u64,
        /// Number of held-out faces that get another label.
        labels_changed: u64,
    },
    /// The data set cannot be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The training faces cannot be loaded.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A model file cannot be evaluated.
    #[error(transparent)]
    Evaluation(#[from] ExportError),
    /// The predictions cannot be compared.
    #[error(transparent)]
    Compare(#[from] CompareError),
    /// ONNX Runtime failed.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A plot cannot be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// The report cannot be written as JSON.
    #[error("cannot write the report: {0}")]
    Json(#[from] serde_json::Error),
    /// A file cannot be read or written.
    #[error("cannot access {path}: {reason}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        reason: io::Error,
    },
}

impl QuantizeError {
    /// Returns a function that adds a path to an I/O error.
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |reason| Self::Io {
            path: path.to_owned(),
            reason,
        }
    }
}
