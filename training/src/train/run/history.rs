//! Metrics per epoch: `history.csv`.

use std::{io, path::Path};

use mien_host::atomic_file;
use serde::{Deserialize, Serialize};

/// The file's name in the run's folder.
pub const FILE_NAME: &str = "history.csv";

/// Metrics of one epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRow {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Height and width of the faces in this epoch, px.
    pub side: usize,
    /// Learning rate of its last step.
    pub learning_rate: f64,
    /// Mean loss over the augmented training faces, with label smoothing, in nats.
    pub train_loss: f64,
    /// Accuracy on the augmented training faces, 0..1.
    pub train_accuracy: f64,
    /// Accuracy of the averaged weights on the held-out faces at this epoch's size, 0..1.
    pub holdout_accuracy: Option<f64>,
    /// Mean negative log-likelihood of the held-out faces, in nats.
    pub holdout_loss: Option<f64>,
    /// Training time in seconds, summed over all processes that trained the epoch. It includes waiting for batches.
    pub seconds: f64,
    /// Training faces per second.
    pub images_per_second: f64,
    /// Part of `seconds` that was spent waiting for the next batch.
    #[serde(default)]
    pub waited_seconds: f64,
}

/// Writes all rows. The file is replaced atomically.
///
/// # Errors
/// Returns an error if the folder cannot be written.
pub fn write(folder: &Path, rows: &[EpochRow]) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row)?;
    }
    let text = writer
        .into_inner()
        .map_err(csv::IntoInnerError::into_error)?;
    atomic_file::write(&folder.join(FILE_NAME), &text)
}

/// Reads the rows of a run's folder.
///
/// # Errors
/// Returns an error if the file is missing or has other columns.
pub fn read(folder: &Path) -> Result<Vec<EpochRow>, csv::Error> {
    csv::Reader::from_path(folder.join(FILE_NAME))?
        .into_deserialize()
        .collect()
}
