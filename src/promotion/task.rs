//! The state that all promotions share, and the task of one promotion.

use std::sync::Arc;

use super::{criterion::PromotionSpec, job::Job};
use crate::{
    evaluation::Evaluations,
    jobs::Jobs,
    metrics::Metrics,
    models::registry::Registry,
    shadow::{PassedShadow, Shadows},
};

/// The state that all promotions share.
pub(super) struct Shared {
    pub(super) jobs: Jobs<Job>,
    pub(super) registry: Arc<Registry>,
    pub(super) evaluations: Arc<Evaluations>,
    pub(super) shadows: Shadows,
    pub(super) metrics: Arc<Metrics>,
}

/// A pending promotion.
#[derive(Clone)]
pub(super) struct PromotionTask {
    pub(super) shared: Arc<Shared>,
    pub(super) job: Arc<Job>,
    pub(super) spec: PromotionSpec,
    /// The shadow that met the requirement of the request.
    pub(super) shadow: Option<PassedShadow>,
}
