//! Inconsistencies between settings.

use crate::models::serving_limits::MAX_THREADS;

/// Inconsistent settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A request of `max_images` images would never fit into the queue.
    #[error(
        "--max-images {max_images} exceeds --max-queue-size {max_queue_size}, so such a request would never fit into the queue; lower the former or raise the latter"
    )]
    QueueTooShort {
        /// Maximum number of images of a request.
        max_images: usize,
        /// Maximum number of queued images.
        max_queue_size: usize,
    },
    /// The sessions of a model would have too many threads.
    #[error(
        "--instances times --intra-op-threads is {0}, which exceeds {MAX_THREADS}; lower one of them"
    )]
    TooManyThreads(usize),
    /// The device does not support the precision.
    #[error("--precision: {0}")]
    Precision(String),
    /// Two data sets have the same name.
    #[error("--data has two data sets named `{0}`; rename one of them")]
    DataTwice(String),
    /// A model has two directories.
    #[error("--model has two directories for `{0}`; remove one of them")]
    ModelTwice(String),
    /// A model has two version policies.
    #[error("--version-policy has two policies for {0}; remove one of them")]
    PolicyTwice(String),
    /// An alias has two targets.
    #[error("--alias has two targets for `{0}`; remove one of them")]
    AliasTwice(String),
    /// The target of an alias is an alias.
    #[error("--alias: the target `{0}` is an alias; use the name of its model")]
    AliasOfAlias(String),
    /// A model has two shadows.
    #[error("--shadow has two candidates for model `{0}`; remove one of them")]
    ShadowTwice(String),
    /// Traces cannot be exported with these settings.
    #[error("{0}")]
    Traces(String),
}
