//! Why a shadow is not started.

use crate::models::{LifecycleError, ModelVersion, PromoteError};

/// Why a shadow is not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No version of the model serves, or the candidate is unknown, serves already or cannot be loaded.
    #[error(transparent)]
    Candidate(#[from] PromoteError),
    /// Another version serves.
    #[error(
        "version {version} of model `{model}` does not serve; version {serving} serves. Promote version {version}, or select it with --version-policy"
    )]
    OtherServes {
        /// The model.
        model: String,
        /// The version of the request.
        version: ModelVersion,
        /// The version that serves.
        serving: ModelVersion,
    },
    /// The versions predict different labels.
    #[error(
        "the labels of {candidate} differ from those of {serving}; choose a candidate with the same labels"
    )]
    OtherLabels {
        /// The candidate.
        candidate: String,
        /// The serving version.
        serving: String,
    },
    /// The versions take images of different sizes.
    #[error(
        "{candidate} takes images of {candidate_side}x{candidate_side} pixels, and {serving} takes images of {serving_side}x{serving_side} pixels; choose a candidate with the same input size"
    )]
    OtherSize {
        /// The candidate.
        candidate: String,
        /// The serving version.
        serving: String,
        /// Rows and columns of the candidate's input.
        candidate_side: usize,
        /// Rows and columns of the serving version's input.
        serving_side: usize,
    },
    /// The model has a shadow already.
    #[error("a shadow of model `{0}` is already running; end it first")]
    InProgress(String),
    /// The shadow was ended before its candidate was loaded.
    #[error("the shadow was ended while its candidate was being loaded")]
    Ended,
    /// The task of the shadow panicked.
    #[error("the shadow crashed; see the server's log")]
    Crashed,
    /// The server is shutting down.
    #[error("the server is shutting down")]
    ShuttingDown,
}

impl From<LifecycleError> for StartError {
    fn from(error: LifecycleError) -> Self {
        Self::Candidate(error.into())
    }
}
