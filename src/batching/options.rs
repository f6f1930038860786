//! Options of batchers and requests.

use std::time::{Duration, Instant};

/// Queueing and batching parameters of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchOptions {
    /// Maximum number of queued live images, and of queued background images; further ones are rejected.
    pub max_queue_size: usize,
    /// Maximum number of images per inference call, at least 1.
    pub max_batch: usize,
    /// Maximum time that an image waits, from its arrival, for its batch to fill up. Zero disables waiting.
    pub max_queue_delay: Duration,
    /// Number of worker threads, each with its own classifier, at least 1.
    pub instances: usize,
    /// Number of cores that one inference call uses, at least 1.
    pub intra_op_threads: usize,
}

/// The moment at which a started batcher accepts images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartMode {
    /// When all workers have created their models. If one cannot, the batcher does not start.
    AllWorkers,
    /// When one worker has created its model. The others do so meanwhile, and try again if they fail.
    FirstWorker,
}

/// Scheduling priority within a model and among models. The smaller value is served first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Priority {
    /// A client waits for the result.
    #[default]
    Live,
    /// Evaluations, explanations and shadows.
    Background,
}

/// Per-request options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestOptions {
    /// Time after which the result is not needed any more.
    pub deadline: Option<Instant>,
    /// Priority of the images.
    pub priority: Priority,
}

impl RequestOptions {
    /// Returns the options of a request of a client that needs the result until `deadline`.
    pub fn live(deadline: Instant) -> Self {
        Self {
            deadline: Some(deadline),
            priority: Priority::Live,
        }
    }
}
