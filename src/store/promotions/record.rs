//! What is kept of a promotion.

use std::str::FromStr;

use mien_faces::dataset::Split;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::row::InvalidEnumValue;

/// Where a promotion stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PromotionStatus {
    /// It has not begun.
    Queued,
    /// The candidate is being loaded.
    Loading,
    /// Images are going through the candidate.
    Evaluating,
    /// The candidate passed and serves.
    Promoted,
    /// The candidate fell short; the version before it serves on.
    Rejected,
    /// It could not be decided; the version before serves on.
    Failed,
    /// A client, or the end of the server, ended it.
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

    /// Its name in documents and in the file.
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

    /// Whether nothing will change any more.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Loading | Self::Evaluating)
    }
}

impl FromStr for PromotionStatus {
    type Err = InvalidEnumValue;

    fn from_str(name: &str) -> Result<Self, InvalidEnumValue> {
        let found = Self::ALL.into_iter().find(|status| status.name() == name);
        found.ok_or_else(|| InvalidEnumValue(name.to_owned()))
    }
}

/// A promotion as it is kept. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq)]
pub struct PromotionRecord {
    /// A UUID.
    pub id: String,
    /// Where it stands.
    pub status: PromotionStatus,
    /// The model's name.
    pub model: String,
    /// The version that is to serve.
    pub version: String,
    /// The version that served when it began, where one did.
    pub previous: Option<String>,
    /// The data set's name.
    pub dataset: String,
    /// Which images of it.
    pub split: Split,
    /// The most images to take, where that was asked for.
    pub limit: Option<usize>,
    /// The accuracy, 0 to 1, that the candidate must reach.
    pub min_accuracy: Option<f64>,
    /// How much lower, 0 to 1, the candidate's accuracy may be than that of the baseline version.
    pub max_regression: Option<f64>,
    /// The version that the candidate is compared with.
    pub baseline_version: Option<String>,
    /// SHA-256 of the candidate's file, 64 hex digits, once it is loaded.
    pub sha256: Option<String>,
    /// The id of the candidate's evaluation.
    pub candidate_evaluation_id: Option<String>,
    /// The id of the evaluation of the baseline version.
    pub baseline_evaluation_id: Option<String>,
    /// Images that are through.
    pub done: usize,
    /// Images of its evaluations.
    pub total: usize,
    /// What was measured, as JSON.
    pub result: Option<String>,
    /// Why it ended as it did, for people.
    pub reason: Option<String>,
    /// The id of the request that ordered it.
    pub request_id: Option<String>,
    /// When it was ordered.
    pub created: String,
    /// When it ended.
    pub finished: Option<String>,
}
