//! What the API tells about a promotion.

use mien_faces::dataset::Split;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::Verdict;
use crate::{
    evaluation::ImageCount,
    state::{PromotionRecord, PromotionStatus},
};

/// A promotion: a version that takes a model's traffic if it passes. Times are RFC 3339 in UTC.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Promotion)]
pub struct Document {
    /// Its name in `/v1/models/{name}/promotions/{id}`.
    pub id: String,
    /// Where it stands.
    pub status: PromotionStatus,
    /// The model's name.
    pub model: String,
    /// The version that is to serve.
    pub version: String,
    /// The version that served when it began.
    pub previous: Option<String>,
    /// The data set, as `--data` names it.
    pub dataset: String,
    /// Which images of it.
    #[schema(value_type = String, example = "test")]
    pub split: Split,
    /// The most images to take, where that was asked for.
    pub limit: Option<usize>,
    /// The accuracy, 0 to 1, that it must reach, where that is the rule.
    pub at_least: Option<f64>,
    /// By how much accuracy, 0 to 1, it may be worse than `against`, where that is the rule.
    pub not_worse_by: Option<f64>,
    /// The version that it is held against.
    pub against: Option<String>,
    /// SHA-256 of the version's file, lower-case hex, once it is loaded.
    pub sha256: Option<String>,
    /// How far its evaluations are.
    pub images: ImageCount,
    /// The id of the version's evaluation, once that is ordered.
    pub evaluation: Option<String>,
    /// The id of the evaluation of `against`: one that is kept, where it was of the same file on the same data.
    pub against_evaluation: Option<String>,
    /// What was measured, once it has been.
    #[schema(value_type = Option<Verdict>)]
    pub result: Option<Box<RawValue>>,
    /// Why it ended as it did, for people.
    pub reason: Option<String>,
    /// The id of the request that ordered it.
    pub request_id: Option<String>,
    /// When it was ordered.
    #[schema(format = DateTime)]
    pub created: String,
    /// When it ended.
    #[schema(format = DateTime)]
    pub finished: Option<String>,
}

impl From<PromotionRecord> for Document {
    fn from(record: PromotionRecord) -> Self {
        Self {
            id: record.id,
            status: record.status,
            model: record.model,
            version: record.version,
            previous: record.previous,
            dataset: record.dataset,
            split: record.split,
            limit: record.limit,
            at_least: record.at_least,
            not_worse_by: record.not_worse_by,
            against: record.against,
            sha256: record.sha256,
            images: ImageCount { done: record.done, total: record.total },
            evaluation: record.candidate,
            against_evaluation: record.serving,
            // What was written as JSON is passed on as it is.
            result: record.result.and_then(|json| RawValue::from_string(json).ok()),
            reason: record.reason,
            request_id: record.request_id,
            created: record.created,
            finished: record.finished,
        }
    }
}
