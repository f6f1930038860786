//! Why images got no answer.

use std::time::Duration;

/// Why a request got no answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The images do not fit the queue.
    #[error("the server is overloaded; try again in {} s", retry_after.as_secs())]
    Overloaded {
        /// When the present queue will have been worked off, in whole seconds, at least 1.
        retry_after: Duration,
    },
    /// The deadline passed before the answers were there.
    #[error("the deadline passed before the model answered")]
    DeadlineExceeded,
    /// The model failed on one of the images.
    #[error("{0}")]
    Failed(String),
    /// The model's answer to one of the images is no distribution over the labels.
    #[error("{0}")]
    Unfit(String),
    /// The model is being taken out of service.
    #[error("the server is shutting down")]
    ShuttingDown,
}
