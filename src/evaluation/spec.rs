//! What can be ordered, and why it is not taken.

use std::num::NonZeroUsize;

use mien_faces::dataset::Split;
use uuid::Uuid;

use super::label_map::LabelMismatch;
use crate::{
    models::registry::LiveModel,
    store::{EvaluationRecord, EvaluationStatus, StoreError, now},
};

/// How many may be queued or running; more are refused.
pub(super) const UNFINISHED: usize = 16;

/// What to evaluate on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvaluationSpec {
    /// A name from `--data`.
    pub dataset: String,
    /// Which images.
    pub split: Split,
    /// At most so many, the same class-mixed ones each time.
    pub limit: Option<NonZeroUsize>,
    /// The id of the request that wants it.
    pub request_id: Option<String>,
}

/// Why an evaluation was not taken.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No such data set is configured.
    #[error("there is no data set `{name}`; {}", known_datasets(known))]
    UnknownDataset {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// The data set has no such images.
    #[error("the data set `{dataset}` has no {split} images")]
    EmptySplit {
        /// The data set.
        dataset: String,
        /// The split that was asked for.
        split: Split,
    },
    /// The model has other labels.
    #[error(transparent)]
    Labels(#[from] LabelMismatch),
    /// Too many wait already.
    #[error("{UNFINISHED} evaluations are queued or running; wait for one to end or cancel one")]
    TooMany,
    /// The server is on its way down.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// It cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn known_datasets(known: &[String]) -> String {
    if known.is_empty() {
        "none is configured: start the server with --data NAME=DIR".to_owned()
    } else {
        format!("configured: {}", known.join(", "))
    }
}

impl EvaluationSpec {
    /// The record of a new evaluation of a model on `total` images, `is_whole` where these are the whole split.
    pub(super) fn record(
        self,
        model: &LiveModel,
        total: usize,
        is_whole: bool,
    ) -> EvaluationRecord {
        EvaluationRecord {
            id: Uuid::new_v4().to_string(),
            status: EvaluationStatus::Queued,
            model: model.name.clone(),
            version: model.version.to_string(),
            sha256: model.sha256.clone(),
            dataset: self.dataset,
            split: self.split,
            dataset_sha256: None,
            limit: self.limit.map(usize::from),
            is_whole,
            total,
            done: 0,
            request_id: self.request_id,
            created: now(),
            started: None,
            finished: None,
            accuracy: None,
            error: None,
            summary: None,
            report: None,
        }
    }
}
