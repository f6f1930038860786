//! Errors of a running evaluation.

use super::label_map::LabelMismatch;
use crate::batching::BatchError;

/// Why an evaluation ended without a report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The labels of the model are not the seven expressions.
    #[error(transparent)]
    Labels(#[from] LabelMismatch),
    /// The model failed, or was unloaded.
    #[error(transparent)]
    Model(#[from] BatchError),
    /// All images are unreadable.
    #[error("none of the {count} images can be read; {name}: {detail}")]
    AllUnreadable {
        /// Number of images.
        count: usize,
        /// Name of the first image.
        name: String,
        /// Why the first image is unreadable.
        detail: String,
    },
    /// The store could not be written.
    #[error("the evaluation could not be saved; see the server's log")]
    NotSaved,
    /// A client or the shutdown of the server cancelled the evaluation.
    #[error("the evaluation was cancelled")]
    Cancelled,
    /// A panic.
    #[error("the evaluation crashed; see the server's log")]
    Crashed,
}
