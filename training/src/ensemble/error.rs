//! Errors of building ensembles.

use std::{io, path::PathBuf};

use mien_faces::dataset::DatasetError;

use super::ModelVersion;
use crate::{
    data::DataError,
    export::{ExportError, OriginError},
    onnx::session::SessionError,
    plot::PlotError,
};

/// An ensemble cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum EnsembleError {
    /// The data set cannot be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The training faces cannot be loaded.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A candidate's file or metadata cannot be read.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// A candidate is listed twice.
    #[error("the candidate {0} is listed twice; list it once")]
    Repeated(ModelVersion),
    /// A candidate was trained on another data set, so its held-out faces are not known.
    #[error(
        "the candidate {model} was trained on faces with the SHA-256 {there}, but those of --data have {here}; \
         name the data set of the candidate, or leave the candidate out"
    )]
    OtherData {
        /// The candidate.
        model: ModelVersion,
        /// SHA-256 of its training faces.
        there: String,
        /// SHA-256 of the training faces of `--data`.
        here: String,
    },
    /// The candidates share too few held-out faces.
    #[error(
        "only {faces} faces were held out by all candidates, but at least {minimum} are needed: {holdouts}. \
         Leave out candidates with another holdout or seed, or lower --min-faces"
    )]
    TooFewFaces {
        /// Faces that all candidates held out.
        faces: usize,
        /// Faces that are needed.
        minimum: usize,
        /// The candidates' holdouts and seeds.
        holdouts: String,
    },
    /// ONNX Runtime cannot be loaded.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A candidate cannot be run.
    #[error("the candidate {model} cannot be run: {reason}")]
    Run {
        /// The candidate.
        model: ModelVersion,
        /// The cause.
        reason: Box<ExportError>,
    },
    /// The test faces cannot be read.
    #[error(transparent)]
    Test(#[from] Box<ExportError>),
    /// The version folder is not empty.
    #[error("{0} already contains a model; name a new version")]
    Exists(PathBuf),
    /// A plot cannot be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// `mien.toml` cannot be written as TOML.
    #[error("cannot write mien.toml: {0}")]
    Toml(#[from] toml::ser::Error),
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
