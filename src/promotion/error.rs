//! Why a promotion fails.

use mien_faces::report::CompareError;

use crate::{
    evaluation::StartError,
    models::{LifecycleError, ModelVersion, PersistPinError, PromoteError, registry::ResolveError},
    store::StoreError,
};

/// Why a promotion failed before a decision about its candidate. The texts are for clients: they reveal neither paths
/// nor causes inside the server, which [`Self::log_hidden_cause`] logs.
#[derive(Debug, thiserror::Error)]
pub(super) enum PromotionError {
    /// A client or the shutdown of the server cancelled the promotion.
    #[error("the promotion was cancelled")]
    Cancelled,
    /// A panic.
    #[error("the promotion crashed; see the server's log")]
    Crashed,
    /// The store failed.
    #[error("the promotion cannot be saved; see the server's log")]
    NotSaved(#[from] StoreError),
    /// The server could not load the candidate or switch to it.
    #[error("the server failed; see its log")]
    Internal(#[source] LifecycleError),
    /// The candidate cannot be loaded or cannot serve.
    #[error(transparent)]
    Candidate(PromoteError),
    /// The baseline version is not loaded.
    #[error(transparent)]
    Baseline(#[from] ResolveError),
    /// A version was replaced after the shadow that the promotion requires.
    #[error(
        "the shadow compared other files of version {0}; run a shadow with the current files first"
    )]
    OtherFiles(ModelVersion),
    /// An evaluation cannot be started.
    #[error(transparent)]
    Start(StartError),
    /// An evaluation cannot be used.
    #[error("the evaluation of version {version}{problem}")]
    Evaluation {
        /// The evaluated version.
        version: ModelVersion,
        /// Why it cannot be used.
        problem: EvaluationProblem,
    },
    /// The version was unloaded while it was being evaluated.
    #[error("version {0} was unloaded or removed during its evaluation")]
    Unloaded(ModelVersion),
    /// The evaluations of the candidate and of the baseline are on different data.
    #[error("the data set changed between the two evaluations")]
    DataChanged,
    /// The evaluations have no image in common.
    #[error(transparent)]
    Comparison(#[from] CompareError),
}

/// Why an evaluation cannot be used; the second part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum EvaluationProblem {
    #[error(" was removed; increase --evaluation-retention")]
    Removed,
    #[error(": {0}")]
    Failed(String),
    #[error(" was cancelled")]
    Cancelled,
    #[error(" has not ended")]
    Unfinished,
    #[error(": {unreadable} of {total} images cannot be read")]
    Unreadable { unreadable: usize, total: usize },
}

impl PromotionError {
    /// Logs a cause that the text hides from clients.
    pub(super) fn log_hidden_cause(&self) {
        match self {
            Self::NotSaved(error) => tracing::error!(%error, "cannot save a promotion"),
            Self::Internal(error) => tracing::error!(%error, "promotion failed"),
            Self::Cancelled
            | Self::Crashed
            | Self::Candidate(_)
            | Self::Baseline(_)
            | Self::OtherFiles(_)
            | Self::Start(_)
            | Self::Evaluation { .. }
            | Self::Unloaded(_)
            | Self::DataChanged
            | Self::Comparison(_) => {}
        }
    }
}

impl From<PromoteError> for PromotionError {
    fn from(error: PromoteError) -> Self {
        match error {
            PromoteError::Change(LifecycleError::Pin(PersistPinError::Cancelled)) => {
                Self::Cancelled
            }
            PromoteError::Change(cause @ (LifecycleError::Failed(_) | LifecycleError::Pin(_))) => {
                Self::Internal(cause)
            }
            PromoteError::Change(_)
            | PromoteError::UnknownVersion { .. }
            | PromoteError::NotServing(_)
            | PromoteError::AlreadyServing { .. }
            | PromoteError::Changed { .. }
            | PromoteError::InProgress(_) => Self::Candidate(error),
        }
    }
}

impl From<StartError> for PromotionError {
    fn from(error: StartError) -> Self {
        if let StartError::Store(error) = error {
            Self::NotSaved(error)
        } else {
            Self::Start(error)
        }
    }
}
