//! A run that has ended, for others to build on: to learn from or to begin with.

use std::{fs, io, path::Path};

use super::{
    checkpoint::{self, Checkpoint, CheckpointError},
    run::{Run, RunError, SourceFile},
};
use crate::recipe::Recipe;

/// A run that nothing can be built on.
#[derive(Debug, thiserror::Error)]
pub enum FinishedError {
    /// Its folder.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Its checkpoint cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Its checkpoint is damaged.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// No checkpoint yet.
    #[error("it has no checkpoint yet")]
    Untrained,
    /// Its weights are to change: nobody could go on, or begin again, with the same ones.
    #[error(
        "its run has finished {done} of {epochs} epochs; let it end, or, for a teacher, name a file exported from it"
    )]
    Unfinished {
        /// Finished epochs.
        done: usize,
        /// Epochs of its recipe.
        epochs: usize,
    },
}

/// A run all of whose epochs are done.
#[derive(Debug)]
pub struct FinishedRun {
    /// What it trained.
    pub run: Run,
    /// By which recipe.
    pub recipe: Recipe,
    /// How it ended.
    pub checkpoint: Checkpoint,
    /// Its folder, and the SHA-256 of its checkpoint.
    pub file: SourceFile,
}

impl FinishedRun {
    /// Reads a run's folder.
    ///
    /// # Errors
    /// Where it holds no run, a damaged one or one that has not ended.
    pub fn open(folder: &Path) -> Result<Self, FinishedError> {
        let (run, recipe) = Run::open(folder)?;
        let checkpoint = Checkpoint::read(folder)?.ok_or(FinishedError::Untrained)?;
        let (done, epochs) = (checkpoint.state.epoch, recipe.epochs);
        if done < epochs {
            return Err(FinishedError::Unfinished { done, epochs });
        }
        let bytes = fs::read(folder.join(checkpoint::FILE_NAME))?;
        let file = SourceFile::of(folder, &bytes);
        Ok(Self { run, recipe, checkpoint, file })
    }
}
