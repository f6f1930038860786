//! What can be ordered, and why it is not taken.

use std::num::NonZeroUsize;

use uuid::Uuid;

use crate::{
    evaluation,
    models::{ChangeError, PromoteError, registry::ResolveError},
    store::{PromotionRecord, PromotionStatus, StoreError, now},
};

/// How many promotions may wait or run at once, over all models.
pub(super) const UNFINISHED: usize = 4;

/// What a candidate must reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Criterion {
    /// The minimum accuracy, 0 to 1.
    MinAccuracy(f64),
    /// With 95 % confidence, an accuracy at most `margin` below that of another version on the same images.
    MaxRegression {
        /// The non-inferiority margin, 0 to 1.
        margin: f64,
        /// The other version; if it is `None`, the one that serves.
        baseline: Option<u64>,
    },
}

/// What to promote.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The model's name, or an alias.
    pub model: String,
    /// The candidate.
    pub version: u64,
    /// What it must reach.
    pub rule: Criterion,
    /// What it is evaluated on.
    pub images: evaluation::EvaluationSpec,
}

/// Why a promotion was not taken.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The version cannot be promoted as things stand.
    #[error(transparent)]
    Promote(#[from] PromoteError),
    /// The baseline version does not serve.
    #[error(transparent)]
    Baseline(#[from] ResolveError),
    /// The version is its own baseline.
    #[error("version {0} cannot be its own baseline; choose another `baseline_version`")]
    Itself(u64),
    /// It cannot be evaluated so.
    #[error(transparent)]
    Evaluation(#[from] evaluation::StartError),
    /// Too many wait or run already.
    #[error("{UNFINISHED} promotions wait or run; wait for one to end or cancel one")]
    TooMany,
    /// The server is on its way down.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// It cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ChangeError> for StartError {
    fn from(error: ChangeError) -> Self {
        Self::Promote(error.into())
    }
}

impl Order {
    /// The record of a new promotion of the model with this real name, on `total` images.
    pub(super) fn record(&self, model: &str, previous: u64, total: usize) -> PromotionRecord {
        let evaluation::EvaluationSpec { dataset, split, limit, request_id } = self.images.clone();
        let (min_accuracy, max_regression, baseline_version) = match self.rule {
            Criterion::MinAccuracy(accuracy) => (Some(accuracy), None, None),
            Criterion::MaxRegression { margin, baseline } => {
                (None, Some(margin), Some(baseline.unwrap_or(previous).to_string()))
            }
        };
        PromotionRecord {
            id: Uuid::new_v4().to_string(),
            status: PromotionStatus::Queued,
            model: model.to_owned(),
            version: self.version.to_string(),
            previous: Some(previous.to_string()),
            dataset,
            split,
            limit: limit.map(NonZeroUsize::get),
            min_accuracy,
            max_regression,
            baseline_version,
            sha256: None,
            candidate_evaluation_id: None,
            baseline_evaluation_id: None,
            done: 0,
            total,
            result: None,
            reason: None,
            request_id,
            created: now(),
            finished: None,
        }
    }
}
