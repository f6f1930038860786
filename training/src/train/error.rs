//! Why training stops before its end.

use tch::TchError;

use super::{
    answers::AnswersError, checkpoint::CheckpointError, records::RecordError, teacher::TeacherError,
};
use crate::{arch::shape::ShapeError, torch::weights::WeightsError};

/// Why training stopped before its end.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The network does not fit together.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// libtorch refused.
    #[error("libtorch: {0}")]
    Torch(#[from] TchError),
    /// Weights that do not fit.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// History, events, pictures.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A teacher failed.
    #[error(transparent)]
    Teacher(#[from] TeacherError),
    /// What the teachers answered cannot be kept.
    #[error(transparent)]
    Answers(#[from] AnswersError),
    /// The thread that makes batches has died; its panic is on the terminal.
    #[error(
        "the batches of epoch {epoch} ended at step {step} of {steps}: the thread that makes them has failed"
    )]
    Starved {
        /// The epoch, from 1.
        epoch: usize,
        /// Finished steps.
        step: usize,
        /// Steps of an epoch.
        steps: usize,
    },
    /// The loss is not a number.
    #[error(
        "the loss is {loss} at step {step} of epoch {epoch} (learning rate {rate:.5}); {advice}"
    )]
    Diverged {
        /// The loss.
        loss: f64,
        /// Step of the epoch, from 1.
        step: usize,
        /// The epoch, from 1.
        epoch: usize,
        /// The rate.
        rate: f64,
        /// What to look at in the recipe.
        advice: String,
    },
}
