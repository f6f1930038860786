//! What is kept of an evaluation.

use std::{fmt, str::FromStr};

use mien_faces::dataset::Split;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::row::InvalidEnumValue;

/// Where an evaluation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EvaluationStatus {
    /// Waits for another evaluation to end.
    Queued,
    /// Images are going through the model.
    Running,
    /// The report is there.
    Succeeded,
    /// It ended without a report; `error` tells why.
    Failed,
    /// A client, or the end of the server, ended it.
    Cancelled,
}

impl EvaluationStatus {
    const ALL: [Self; 5] =
        [Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled];

    /// Its name in documents and in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing will change any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

impl fmt::Display for EvaluationStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for EvaluationStatus {
    type Err = InvalidEnumValue;

    fn from_str(name: &str) -> Result<Self, InvalidEnumValue> {
        let found = Self::ALL.into_iter().find(|status| status.name() == name);
        found.ok_or_else(|| InvalidEnumValue(name.to_owned()))
    }
}

/// An evaluation as it is kept. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluationRecord {
    /// A UUID.
    pub id: String,
    /// Where it stands.
    pub status: EvaluationStatus,
    /// The model's name.
    pub model: String,
    /// The model's version.
    pub version: String,
    /// SHA-256 of the model's file, 64 hex digits.
    pub sha256: String,
    /// The data set's name.
    pub dataset: String,
    /// Which images of it.
    pub split: Split,
    /// The fingerprint of the split, 64 hex digits, once it has been taken.
    pub dataset_sha256: Option<String>,
    /// The most images to take, where that was asked for.
    pub limit: Option<usize>,
    /// Whether these are all images of the split.
    pub is_whole: bool,
    /// Images of the evaluation.
    pub total: usize,
    /// Images that were through when it ended.
    pub done: usize,
    /// The id of the request that ordered it.
    pub request_id: Option<String>,
    /// When it was ordered.
    pub created: String,
    /// When its images began to go through the model.
    pub started: Option<String>,
    /// When it ended.
    pub finished: Option<String>,
    /// 0 to 1, of one that succeeded.
    pub accuracy: Option<f64>,
    /// Why it failed.
    pub error: Option<String>,
    /// The report's single numbers as JSON, of one that succeeded.
    pub summary: Option<String>,
    /// The whole report as JSON, of one that succeeded; not in lists.
    pub report: Option<String>,
}

/// How an evaluation ended: the fields of its record that change then.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "those of the record")]
pub struct EvaluationEnd {
    pub status: EvaluationStatus,
    pub done: usize,
    pub finished: String,
    pub accuracy: Option<f64>,
    pub error: Option<String>,
    pub summary: Option<String>,
    pub report: Option<String>,
}

/// Which evaluations are listed: those that have every value that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "those of the record")]
pub struct EvaluationFilter {
    pub model: Option<String>,
    pub version: Option<String>,
    pub dataset: Option<String>,
    pub split: Option<Split>,
    pub status: Option<EvaluationStatus>,
}

/// The accuracy, 0 to 1, that an evaluation of a whole split measured.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "those of the record")]
pub struct Accuracy {
    pub model: String,
    pub version: String,
    pub dataset: String,
    pub split: Split,
    pub accuracy: f64,
}
