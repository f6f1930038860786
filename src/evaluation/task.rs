//! The state that all evaluations share, and one evaluation.

use std::sync::Arc;

use mien_faces::dataset::{Dataset, Sample};
use tokio::sync::Semaphore;

use super::{datasets::Datasets, job::Job};
use crate::{drift::Monitors, jobs::Jobs, metrics::Metrics, models::registry::LiveModel};

/// The state that all evaluations share.
pub(super) struct Shared {
    pub(super) jobs: Jobs<Job>,
    pub(super) datasets: Arc<Datasets>,
    pub(super) metrics: Arc<Metrics>,
    /// Get the profiles of evaluations as references; `None` if drift is not detected.
    pub(super) drift: Option<Arc<Monitors>>,
    /// One permit per evaluation that may run at once.
    pub(super) running: Semaphore,
}

/// A queued or running evaluation.
#[derive(Clone)]
pub(super) struct EvaluationTask {
    pub(super) shared: Arc<Shared>,
    pub(super) job: Arc<Job>,
}

/// The model and the images of an evaluation. They are dropped when its work ends, because they keep the model loaded.
pub(super) struct Input {
    pub(super) model: Arc<LiveModel>,
    pub(super) dataset: Arc<Dataset>,
    pub(super) samples: Vec<Sample>,
}
