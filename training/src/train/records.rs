//! What a run's folder shows a person: `history.csv`, TensorBoard's events, `curves.png`, `confusion.png`.
//!
//! History, events and curves are made from the finished epochs of the checkpoint, so a run that was killed between two
//! writes is set right when it goes on. The matrix is drawn before the checkpoint is written: what a kill leaves is that
//! of the checkpoint's last epoch or of the one that will be done again.

use std::{
    io,
    path::{Path, PathBuf},
};

use mien_faces::report::Confusion;

use super::{events, history, history::EpochRow};
use crate::plot::{self, PlotError};

/// What cannot be written for people to look at.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The history or the events.
    #[error("cannot write {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A picture.
    #[error(transparent)]
    Plot(#[from] PlotError),
}

/// Writes `history.csv` alone, replacing it whole.
///
/// # Errors
/// Where the folder cannot be written.
pub fn history(folder: &Path, rows: &[EpochRow]) -> Result<(), RecordError> {
    let path = folder.join(history::FILE_NAME);
    history::write(folder, rows).map_err(|source| RecordError::Io { path, source })
}

/// Writes everything that is made from the finished epochs.
///
/// # Errors
/// Where the folder cannot be written.
pub fn epochs(folder: &Path, network: &str, rows: &[EpochRow]) -> Result<(), RecordError> {
    history(folder, rows)?;
    let path = folder.join(events::FILE_NAME);
    events::update(folder, rows).map_err(|source| RecordError::Io { path, source })?;
    if !rows.is_empty() {
        plot::curves(network, rows, &folder.join(plot::CURVES))?;
    }
    Ok(())
}

/// Draws how the held-out faces are taken for each other.
///
/// # Errors
/// Where the folder cannot be written.
pub fn confusion(folder: &Path, network: &str, found: &Confusion) -> Result<(), RecordError> {
    plot::confusion(network, "held-out faces", found, &folder.join(plot::CONFUSION))?;
    Ok(())
}
