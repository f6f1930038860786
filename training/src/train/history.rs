//! One row an epoch: `history.csv`.

use std::{io, path::Path};

use serde::{Deserialize, Serialize};

use crate::files;

/// The file's name in the run's folder.
pub const FILE_NAME: &str = "history.csv";

/// What an epoch gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRow {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Side of its faces, px.
    pub side: usize,
    /// Learning rate of its last step.
    pub learning_rate: f64,
    /// Mean loss of the augmented training faces, label smoothing included.
    pub train_loss: f64,
    /// Accuracy on the augmented training faces, 0..1.
    pub train_accuracy: f64,
    /// Accuracy of the averaged weights on the held-out faces at this epoch's side, 0..1.
    pub holdout_accuracy: Option<f64>,
    /// Their mean negative log-likelihood.
    pub holdout_loss: Option<f64>,
    /// Seconds of training, over all resumes, waiting included.
    pub seconds: f64,
    /// Training faces a second.
    pub images_per_second: f64,
    /// Seconds of training in which libtorch waited for the next batch.
    #[serde(default)]
    pub waited_seconds: f64,
}

/// Writes all rows, replacing the file whole.
///
/// # Errors
/// Where the folder cannot be written.
pub fn write(folder: &Path, rows: &[EpochRow]) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row)?;
    }
    let text = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
    files::replace(&folder.join(FILE_NAME), &text)
}

/// Reads the rows back.
///
/// # Errors
/// Where there is no history, or one of another version.
pub fn read(folder: &Path) -> Result<Vec<EpochRow>, csv::Error> {
    csv::Reader::from_path(folder.join(FILE_NAME))?.into_deserialize().collect()
}
