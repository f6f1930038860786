//! A completed run that another run uses as a teacher or for its initial weights.

use std::{fs, io, path::Path};

use super::{
    checkpoint::{self, Checkpoint, CheckpointError},
    error::RunError,
    metadata::RunMetadata,
    source_file::SourceFile,
};
use crate::recipe::Recipe;

/// A run cannot be used by another run.
#[derive(Debug, thiserror::Error)]
pub enum CompletedRunError {
    /// The run's folder is missing or damaged.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The checkpoint cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The checkpoint is damaged.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The run has not written a checkpoint.
    #[error("it has no checkpoint yet; wait until the run is finished")]
    Untrained,
    /// The run is not complete. Its weights will change, so the result could not be reproduced.
    #[error(
        "it has finished {done} of {epochs} epochs; finish that run, or use a model file exported from it as the teacher"
    )]
    Unfinished {
        /// Finished epochs.
        done: usize,
        /// Epochs of the recipe.
        epochs: usize,
    },
}

/// A run whose epochs are all finished.
#[derive(Debug)]
pub struct CompletedRun {
    /// Contents of `run.json`.
    pub run: RunMetadata,
    /// The run's recipe.
    pub recipe: Recipe,
    /// The last checkpoint.
    pub checkpoint: Checkpoint,
    /// The run's folder and the SHA-256 of its checkpoint.
    pub file: SourceFile,
}

impl CompletedRun {
    /// Reads a run's folder.
    ///
    /// # Errors
    /// Returns an error if the folder does not contain a run, or the run is damaged or not complete.
    pub fn open(folder: &Path) -> Result<Self, CompletedRunError> {
        let (run, recipe) = RunMetadata::open(folder)?;
        let checkpoint = Checkpoint::read(folder)?.ok_or(CompletedRunError::Untrained)?;
        let (done, epochs) = (checkpoint.state.epoch, recipe.epochs);
        if done < epochs {
            return Err(CompletedRunError::Unfinished { done, epochs });
        }
        let bytes = fs::read(folder.join(checkpoint::FILE_NAME))?;
        let file = SourceFile::of(folder, &bytes);
        Ok(Self {
            run,
            recipe,
            checkpoint,
            file,
        })
    }
}
