//! Human-readable artifacts of a run: `history.csv`, TensorBoard events, `curves.png`, `confusion.png`.
//!
//! History, events and curves are generated from the finished epochs of the checkpoint. A resumed run writes them again,
//! because its process may have been killed between two writes. The confusion matrix is drawn before the checkpoint is
//! written. After a kill it shows the checkpoint's last epoch or the epoch that will be repeated.

use std::{
    io,
    path::{Path, PathBuf},
};

use mien_faces::report::Confusion;

use super::{
    history::{self, EpochRow},
    tensorboard,
};
use crate::plot::{self, PlotError};

/// An artifact cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// Failed write of `history.csv` or the event file.
    #[error("cannot write {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The I/O error.
        source: io::Error,
    },
    /// Failed plot.
    #[error(transparent)]
    Plot(#[from] PlotError),
}

/// Writes only `history.csv`. The file is replaced atomically.
///
/// # Errors
/// Returns an error if the folder cannot be written.
pub fn write_history(folder: &Path, rows: &[EpochRow]) -> Result<(), ArtifactError> {
    let path = folder.join(history::FILE_NAME);
    history::write(folder, rows).map_err(|source| ArtifactError::Io { path, source })
}

/// Writes all artifacts that are generated from the finished epochs.
///
/// # Errors
/// Returns an error if the folder cannot be written.
pub fn update(folder: &Path, network: &str, rows: &[EpochRow]) -> Result<(), ArtifactError> {
    write_history(folder, rows)?;
    let path = folder.join(tensorboard::FILE_NAME);
    tensorboard::update(folder, rows).map_err(|source| ArtifactError::Io { path, source })?;
    if !rows.is_empty() {
        plot::curves(network, rows, &folder.join(plot::CURVES))?;
    }
    Ok(())
}

/// Draws the confusion matrix of the held-out faces.
///
/// # Errors
/// Returns an error if the folder cannot be written.
pub fn draw_confusion(
    folder: &Path,
    network: &str,
    found: &Confusion,
) -> Result<(), ArtifactError> {
    plot::confusion(
        network,
        "held-out faces",
        found,
        &folder.join(plot::CONFUSION),
    )?;
    Ok(())
}
