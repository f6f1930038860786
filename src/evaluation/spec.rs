//! The parameters of an evaluation, and why one is not started.

use std::num::NonZeroUsize;

use mien_faces::dataset::{Split, describe_directories};

use super::label_map::LabelMismatch;
use crate::{
    excerpt::Excerpt,
    models::registry::LiveModel,
    store::{EvaluationRecord, EvaluationStatus, JobId, StoreError},
    timestamp::Timestamp,
};

/// Maximum number of queued and running evaluations.
pub(super) const MAX_PENDING: usize = 16;

/// Parameters of an evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvaluationSpec {
    /// Name of the data set in `--data`.
    pub dataset: String,
    /// Split of the data set.
    pub split: Split,
    /// Maximum number of images. The same images are chosen each time, mixed by class.
    pub limit: Option<NonZeroUsize>,
    /// Identifier of the request.
    pub request_id: Option<String>,
}

/// Why an evaluation is not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No such data set is configured.
    #[error("unknown data set `{}`; {}", Excerpt(name), known_datasets(known))]
    UnknownDataset {
        /// The requested name.
        name: String,
        /// The configured names.
        known: Vec<String>,
    },
    /// The split is empty.
    #[error(
        "the data set `{dataset}` has no {split} images{}",
        describe_directories(directories)
    )]
    EmptySplit {
        /// The data set.
        dataset: String,
        /// The requested split.
        split: Split,
        /// Names of directories of the data set that are not splits.
        directories: Vec<String>,
    },
    /// The labels of the model are not the seven expressions.
    #[error(transparent)]
    Labels(#[from] LabelMismatch),
    /// Too many evaluations are queued or running.
    #[error("{MAX_PENDING} evaluations are queued or running; wait for one to end or cancel one")]
    TooMany,
    /// The server is shutting down.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn known_datasets(known: &[String]) -> String {
    if known.is_empty() {
        "no data set is configured; start the server with --data NAME=DIR".to_owned()
    } else {
        format!("configured: {}", known.join(", "))
    }
}

impl EvaluationSpec {
    /// Creates the record of a new evaluation on `total` images; `is_whole` says whether these are the whole split.
    pub(super) fn record(
        self,
        model: &LiveModel,
        total: usize,
        is_whole: bool,
    ) -> EvaluationRecord {
        EvaluationRecord {
            id: JobId::random(),
            status: EvaluationStatus::Queued,
            model: model.name.clone(),
            version: model.version,
            sha256: model.sha256.clone(),
            engine: model.execution.engine.name().to_owned(),
            precision: model.execution.precision.name().to_owned(),
            dataset: self.dataset,
            split: self.split,
            dataset_sha256: None,
            limit: self.limit.map(usize::from),
            is_whole,
            total,
            done: 0,
            request_id: self.request_id,
            created: Timestamp::now(),
            started: None,
            finished: None,
            accuracy: None,
            error: None,
            summary: None,
            report: None,
        }
    }
}
