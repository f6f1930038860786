//! Pictures of a run: curves over the epochs, several runs in one, and which class is taken for which.

use std::path::{Path, PathBuf};

use mien_faces::report::Confusion;

use crate::train::history::EpochRow;

mod canvas;
mod confusion;
mod curves;
mod figure;

/// Name of the curves' file in a run's or a model's folder.
pub const CURVES: &str = "curves.png";

/// Name of the confusion's file in a run's or a model's folder.
pub const CONFUSION: &str = "confusion.png";

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// It cannot be drawn.
    #[error("cannot draw {path}: {detail}")]
    Draw {
        /// The file.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// It cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Draws loss, accuracy and learning rate of a run over its epochs.
///
/// # Errors
/// Where the file cannot be written.
pub fn curves(network: &str, rows: &[EpochRow], path: &Path) -> Result<(), PlotError> {
    figure::save(&curves::of_run(network, rows), path)
}

/// Draws several runs' losses and accuracies, one colour a run.
///
/// # Errors
/// Where the file cannot be written.
pub fn compared(runs: &[(String, Vec<EpochRow>)], path: &Path) -> Result<(), PlotError> {
    figure::save(&curves::of_runs(runs), path)
}

/// Draws a confusion as counts and shares of each label; `faces` says which faces, such as `test faces`.
///
/// # Errors
/// Where the file cannot be written.
pub fn confusion(
    network: &str,
    faces: &str,
    found: &Confusion,
    path: &Path,
) -> Result<(), PlotError> {
    confusion::save(network, faces, found, path)
}
