//! The state that all evaluations share, and the input of one evaluation.

use std::sync::Arc;

use mien_faces::dataset::{Dataset, Sample};
use tokio::sync::Semaphore;

use super::{datasets::Datasets, job::Job};
use crate::{jobs::JobRegistry, metrics::Metrics, models::registry::LiveModel, store::Store};

/// The state that all evaluations share.
pub(super) struct Shared {
    pub(super) datasets: Arc<Datasets>,
    pub(super) store: Store,
    pub(super) metrics: Arc<Metrics>,
    /// One permit per evaluation that may run at once.
    pub(super) running: Semaphore,
    /// Number of ended evaluations that are retained.
    pub(super) retention: usize,
    pub(super) jobs: JobRegistry<Job>,
}

/// The input of one evaluation.
pub(super) struct Task {
    pub(super) model: Arc<LiveModel>,
    pub(super) dataset: Arc<Dataset>,
    pub(super) samples: Vec<Sample>,
}
