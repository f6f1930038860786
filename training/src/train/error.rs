//! Why training stops before its end.

use tch::TchError;

use super::{checkpoint::CheckpointError, records::RecordError};
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
    /// The loss is not a number.
    #[error(
        "the loss is {loss} at step {step} of epoch {epoch} (learning rate {rate:.5}); \
         lower `learning_rate` or lengthen `warmup` in the recipe"
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
    },
}
