//! Errors of the training loop.

use tch::TchError;

use crate::{
    arch::shape::ShapeError,
    torch::weights::WeightsError,
    train::{
        distillation::{cached::TeacherCacheError, teacher::TeacherError},
        run::{artifacts::ArtifactError, checkpoint::CheckpointError},
    },
};

/// Training failed.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The network's shapes are inconsistent.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// libtorch failed.
    #[error("libtorch: {0}")]
    Torch(#[from] TchError),
    /// The weights do not match the network.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The checkpoint cannot be read or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The history, events or plots cannot be written.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// A teacher failed.
    #[error(transparent)]
    Teacher(#[from] TeacherError),
    /// The teacher outputs cannot be cached.
    #[error(transparent)]
    TeacherCache(#[from] TeacherCacheError),
    /// The thread that produces batches panicked. Its message is on the terminal.
    #[error(
        "the batches of epoch {epoch} ended at step {step} of {steps} because the thread that produces them panicked; its message is above"
    )]
    BatchesEnded {
        /// The epoch, from 1.
        epoch: usize,
        /// Finished steps.
        step: usize,
        /// Steps per epoch.
        steps: usize,
    },
    /// The loss is NaN or infinite.
    #[error(
        "the loss is {loss} at step {step} of epoch {epoch} (learning rate {rate:.5}); {advice}"
    )]
    Diverged {
        /// NaN or infinite.
        loss: f64,
        /// Step of the epoch, from 1.
        step: usize,
        /// The epoch, from 1.
        epoch: usize,
        /// Learning rate of the step.
        rate: f64,
        /// Recipe keys to change.
        advice: String,
    },
}
