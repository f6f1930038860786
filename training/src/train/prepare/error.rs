//! Errors of starting, resuming and training a run.

use std::path::PathBuf;

use mien_faces::dataset::DatasetError;

use crate::{
    arch::catalog::CatalogError,
    data::DataError,
    train::{
        distillation::teacher::TeacherError, init::InitError, run::error::RunError,
        trainer::error::TrainError,
    },
};

/// Why a run does not start, resume or finish.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The run's folder.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The network's name.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The listing of the data set.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The training faces.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A teacher.
    #[error(transparent)]
    Teacher(#[from] TeacherError),
    /// The initial weights.
    #[error(transparent)]
    Init(#[from] InitError),
    /// Training itself.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The holdout is too large for the data set.
    #[error(
        "a holdout of {holdout} leaves {left} training faces in {data}; lower it or name a larger data set"
    )]
    NothingToTrainOn {
        /// The recipe's `holdout`.
        holdout: f64,
        /// Faces that are left.
        left: usize,
        /// The data set.
        data: PathBuf,
    },
    /// The holdout is too small for the data set.
    #[error(
        "a holdout of {holdout} selects no face in {data} that is not also a training face; raise it or set it to 0"
    )]
    NothingHeldOut {
        /// The recipe's `holdout`.
        holdout: f64,
        /// The data set.
        data: PathBuf,
    },
    /// The training faces are not those of the first start.
    #[error(
        "the training images in {0} differ from those that the run started with; name the original data set with --data"
    )]
    OtherData(PathBuf),
    /// `init` in the run's `recipe.toml` was edited.
    #[error("`init` in recipe.toml is not the value that the run started with; restore it")]
    OtherInit,
    /// The run that `init` names was trained further before this run had a checkpoint.
    #[error(
        "the run that `init` names has changed since this run started, and this run has no checkpoint yet; start it again in another folder"
    )]
    ChangedInit,
    /// A teacher's file was replaced.
    #[error(
        "the teacher {path} is not the one that the run started with (SHA-256 {sha256}); restore that file"
    )]
    OtherTeacher {
        /// The teacher at the first start.
        path: PathBuf,
        /// Its SHA-256 at the first start.
        sha256: String,
    },
    /// `distill.teachers` in the run's `recipe.toml` was edited.
    #[error(
        "the run started with {started} teachers but its recipe.toml names {now}; restore `distill.teachers`"
    )]
    TeacherCount {
        /// Teachers at the first start.
        started: usize,
        /// Teachers now.
        now: usize,
    },
}
