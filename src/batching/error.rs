//! Errors of a batched request.

use std::time::Duration;

/// Why a request was not classified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The images do not fit into the queue.
    #[error("the server is overloaded; try again in {} s", retry_after.as_secs())]
    Overloaded {
        /// Estimated time to process the queued images, in whole seconds, at least 1.
        retry_after: Duration,
    },
    /// The deadline passed before all results were available.
    #[error("the deadline passed before the model returned a result")]
    DeadlineExceeded,
    /// The model failed on one of the images.
    #[error("{0}")]
    Failed(String),
    /// The inference call exceeded its time limit and was terminated, or the model was taken out of service while the images
    /// were queued.
    #[error("{0}")]
    InferenceTimeout(String),
    /// The model is out of service, because inference calls exceeded their time limit repeatedly.
    #[error("the model is {0}")]
    OutOfService(String),
    /// The model's output for one of the images is not a probability distribution.
    #[error("{0}")]
    InvalidOutput(String),
    /// The model is being taken out of service.
    #[error("the server is shutting down")]
    ShuttingDown,
}

impl BatchError {
    /// Returns whether the images did not enter the queue.
    pub(super) fn is_rejection(&self) -> bool {
        match self {
            Self::Overloaded { .. } | Self::ShuttingDown | Self::OutOfService(_) => true,
            Self::DeadlineExceeded
            | Self::Failed(_)
            | Self::InferenceTimeout(_)
            | Self::InvalidOutput(_) => false,
        }
    }
}
