//! The record of an evaluation.

use std::{fmt, str::FromStr};

use mien_faces::dataset::Split;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    model_version::ModelVersion,
    store::{
        JobId,
        row::{InvalidEnumValue, text_columns},
        table::table,
    },
    timestamp::Timestamp,
};

/// Status of an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EvaluationStatus {
    /// Waiting for another evaluation to end.
    Queued,
    /// Images are being classified.
    Running,
    /// The report is available.
    Succeeded,
    /// Ended without a report; `error` has the reason.
    Failed,
    /// Cancelled by a client or by the shutdown of the server.
    Cancelled,
}

impl EvaluationStatus {
    const ALL: [Self; 5] = [
        Self::Queued,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Returns the name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns whether the evaluation has ended.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

impl fmt::Display for EvaluationStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

text_columns!(EvaluationStatus);

impl FromStr for EvaluationStatus {
    type Err = InvalidEnumValue;

    fn from_str(name: &str) -> Result<Self, InvalidEnumValue> {
        let found = Self::ALL.into_iter().find(|status| status.name() == name);
        found.ok_or_else(|| InvalidEnumValue(name.to_owned()))
    }
}

/// A stored evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluationRecord {
    /// Identifier.
    pub id: JobId,
    /// Status.
    pub status: EvaluationStatus,
    /// Name of the model.
    pub model: String,
    /// Version of the model.
    pub version: ModelVersion,
    /// SHA-256 of the model file, 64 hex digits.
    pub sha256: String,
    /// Name of the engine that executed the model.
    pub engine: String,
    /// Name of the precision of the arithmetic.
    pub precision: String,
    /// Name of the data set.
    pub dataset: String,
    /// Split of the data set.
    pub split: Split,
    /// Fingerprint of the split, 64 hex digits, after it has been computed.
    pub dataset_sha256: Option<String>,
    /// Maximum number of images, if the request limited it.
    pub limit: Option<usize>,
    /// Whether the evaluation is on all images of the split.
    pub is_whole: bool,
    /// Number of images of the evaluation.
    pub total: usize,
    /// Number of processed images when it ended.
    pub done: usize,
    /// Identifier of the request that started it.
    pub request_id: Option<String>,
    /// Time of the request.
    pub created: Timestamp,
    /// Time when the first image was read.
    pub started: Option<Timestamp>,
    /// Time when it ended.
    pub finished: Option<Timestamp>,
    /// Accuracy of a successful evaluation, 0 to 1.
    pub accuracy: Option<f64>,
    /// Reason for a failure.
    pub error: Option<String>,
    /// Main scores of a successful evaluation as JSON.
    pub summary: Option<String>,
    /// Report of a successful evaluation as JSON; not part of lists.
    pub report: Option<String>,
}

table!(EvaluationRecord in "evaluations" {
    id: "id",
    status: "status",
    model: "model",
    version: "version",
    sha256: "sha256",
    engine: "engine",
    precision: "precision",
    dataset: "dataset",
    split: "split",
    dataset_sha256: "dataset_sha256",
    limit: "image_limit",
    is_whole: "is_whole",
    total: "total",
    done: "done",
    request_id: "request_id",
    created: "created",
    started: "started",
    finished: "finished",
    accuracy: "accuracy",
    error: "error",
    summary: "summary",
    report: "report",
});

/// The fields of a record that change when the evaluation ends, and its profile.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "those of the record")]
pub struct EvaluationEnd {
    pub status: EvaluationStatus,
    pub done: usize,
    pub finished: Timestamp,
    pub accuracy: Option<f64>,
    pub error: Option<String>,
    pub summary: Option<String>,
    pub report: Option<String>,
    /// The profile as JSON, if it can be a reference for drift.
    pub profile: Option<String>,
}

/// Selects evaluations that have all given values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "those of the record")]
pub struct EvaluationFilter {
    pub model: Option<String>,
    pub version: Option<ModelVersion>,
    pub dataset: Option<String>,
    pub split: Option<Split>,
    pub status: Option<EvaluationStatus>,
}

/// The accuracy of an evaluation of a whole split, 0 to 1.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "those of the record")]
pub struct Accuracy {
    pub model: String,
    pub version: ModelVersion,
    pub dataset: String,
    pub split: Split,
    pub accuracy: f64,
}
