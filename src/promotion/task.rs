//! The state that all promotions share, and the task of one promotion.

use std::sync::Arc;

use super::{criterion::PromotionSpec, job::Job};
use crate::{
    evaluation::Evaluations,
    jobs::Jobs,
    metrics::Metrics,
    models::{LifecycleError, PromoteError, registry::Registry},
    store::StoreError,
};

/// The state that all promotions share.
pub(super) struct Shared {
    pub(super) jobs: Jobs<Job>,
    pub(super) registry: Arc<Registry>,
    pub(super) evaluations: Arc<Evaluations>,
    pub(super) metrics: Arc<Metrics>,
}

/// A pending promotion.
#[derive(Clone)]
pub(super) struct PromotionTask {
    pub(super) shared: Arc<Shared>,
    pub(super) job: Arc<Job>,
    pub(super) spec: PromotionSpec,
}

/// Returns the text for clients of an error of loading or switching to a candidate.
pub(super) fn public_message(error: PromoteError) -> String {
    if let PromoteError::Change(LifecycleError::Failed(reason)) = error {
        tracing::error!(reason, "promotion failed");
        return "the server failed; see its log".to_owned();
    }
    error.to_string()
}

/// Logs an error of the store, whose text names paths, and returns the text for clients.
pub(super) fn not_saved(error: &StoreError) -> String {
    tracing::error!(%error, "cannot save a promotion or pin");
    "the promotion cannot be saved; see the server's log".to_owned()
}
