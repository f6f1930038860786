//! The record of a promotion.

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

/// Status of a promotion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PromotionStatus {
    /// Not started yet.
    Queued,
    /// The candidate is being loaded.
    Loading,
    /// The candidate is being evaluated.
    Evaluating,
    /// The candidate met the criterion and serves the traffic.
    Promoted,
    /// The candidate did not meet the criterion; the previous version continues to serve.
    Rejected,
    /// The promotion could not be decided; the previous version continues to serve.
    Failed,
    /// Cancelled by a client or by the shutdown of the server.
    Cancelled,
}

impl PromotionStatus {
    const ALL: [Self; 7] = [
        Self::Queued,
        Self::Loading,
        Self::Evaluating,
        Self::Promoted,
        Self::Rejected,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Returns the name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Loading => "loading",
            Self::Evaluating => "evaluating",
            Self::Promoted => "promoted",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns whether the promotion has ended.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Loading | Self::Evaluating)
    }
}

impl fmt::Display for PromotionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

text_columns!(PromotionStatus);

impl FromStr for PromotionStatus {
    type Err = InvalidEnumValue;

    fn from_str(name: &str) -> Result<Self, InvalidEnumValue> {
        let found = Self::ALL.into_iter().find(|status| status.name() == name);
        found.ok_or_else(|| InvalidEnumValue(name.to_owned()))
    }
}

/// A stored promotion.
#[derive(Debug, Clone, PartialEq)]
pub struct PromotionRecord {
    /// Identifier.
    pub id: JobId,
    /// Status.
    pub status: PromotionStatus,
    /// Name of the model.
    pub model: String,
    /// Candidate version.
    pub version: ModelVersion,
    /// Serving version when the promotion started.
    pub previous: Option<ModelVersion>,
    /// Name of the data set.
    pub dataset: String,
    /// Split of the data set.
    pub split: Split,
    /// Maximum number of images, if the request limited it.
    pub limit: Option<usize>,
    /// The accuracy, 0 to 1, that the candidate must reach.
    pub min_accuracy: Option<f64>,
    /// How much lower, 0 to 1, the candidate's accuracy may be than that of the baseline version.
    pub max_regression: Option<f64>,
    /// How much lower, 0 to 1, the candidate's accuracy may be in each group.
    pub max_group_regression: Option<f64>,
    /// The version that the candidate is compared with.
    pub baseline_version: Option<ModelVersion>,
    /// SHA-256 of the candidate file, 64 hex digits, after it is loaded.
    pub sha256: Option<String>,
    /// Name of the engine that executes the candidate, after it is loaded.
    pub engine: Option<String>,
    /// Name of the precision of the candidate's arithmetic, after it is loaded.
    pub precision: Option<String>,
    /// Identifier of the candidate's evaluation.
    pub candidate_evaluation_id: Option<JobId>,
    /// Identifier of the evaluation of the baseline version.
    pub baseline_evaluation_id: Option<JobId>,
    /// Number of processed images.
    pub done: usize,
    /// Number of images of its evaluations.
    pub total: usize,
    /// Measured values as JSON.
    pub result: Option<String>,
    /// Reason for the result as text.
    pub reason: Option<String>,
    /// Identifier of the request that started it.
    pub request_id: Option<String>,
    /// Time of the request.
    pub created: Timestamp,
    /// Time when it ended.
    pub finished: Option<Timestamp>,
}

table!(PromotionRecord in "promotions" {
    id: "id",
    status: "status",
    model: "model",
    version: "version",
    previous: "previous",
    dataset: "dataset",
    split: "split",
    limit: "image_limit",
    min_accuracy: "min_accuracy",
    max_regression: "max_regression",
    max_group_regression: "max_group_regression",
    baseline_version: "baseline_version",
    sha256: "sha256",
    engine: "engine",
    precision: "precision",
    candidate_evaluation_id: "candidate_evaluation_id",
    baseline_evaluation_id: "baseline_evaluation_id",
    done: "done",
    total: "total",
    result: "result",
    reason: "reason",
    request_id: "request_id",
    created: "created",
    finished: "finished",
});
