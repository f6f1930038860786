//! Plots of runs: curves over the epochs, comparisons of several runs, and confusion matrices.

use std::path::{Path, PathBuf};

use mien_faces::report::Confusion;

use crate::train::run::history::EpochRow;

mod canvas;
mod confusion;
mod curves;
mod figure;

/// File name of the curves in a run's or a model's folder.
pub const CURVES: &str = "curves.png";

/// File name of the confusion matrix in a run's or a model's folder.
pub const CONFUSION: &str = "confusion.png";

/// A plot cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// Drawing failed.
    #[error("cannot draw {path}: {detail}")]
    Draw {
        /// The file.
        path: PathBuf,
        /// The cause.
        detail: String,
    },
    /// The file cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

/// Draws loss, accuracy and learning rate of a run over its epochs.
///
/// # Errors
/// Returns an error if the file cannot be written.
pub fn curves(network: &str, rows: &[EpochRow], path: &Path) -> Result<(), PlotError> {
    figure::save(&curves::of_run(network, rows), path)
}

/// Draws losses and accuracies of several runs, with one colour per run.
///
/// # Errors
/// Returns an error if the file cannot be written.
pub fn compared(runs: &[(String, Vec<EpochRow>)], path: &Path) -> Result<(), PlotError> {
    figure::save(&curves::of_runs(runs), path)
}

/// Draws a confusion matrix with counts and shares per label. `faces` describes the faces, such as `test faces`.
///
/// # Errors
/// Returns an error if the file cannot be written.
pub fn confusion(
    network: &str,
    faces: &str,
    found: &Confusion,
    path: &Path,
) -> Result<(), PlotError> {
    confusion::save(network, faces, found, path)
}
