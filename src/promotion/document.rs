//! What the API tells about a promotion.

use mien_faces::dataset::Split;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::Verdict;
use crate::{
    evaluation::ImageCount,
    store::{PromotionRecord, PromotionStatus},
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
    /// The accuracy, 0 to 1, that the version must reach; null with `max_regression`.
    pub min_accuracy: Option<f64>,
    /// How much lower, 0 to 1, the accuracy may be than that of `baseline_version`; null with `min_accuracy`.
    pub max_regression: Option<f64>,
    /// The version that it is compared with; null with `min_accuracy`.
    pub baseline_version: Option<String>,
    /// SHA-256 of the version's file, lower-case hex, once it is loaded.
    pub sha256: Option<String>,
    /// How far its evaluations are.
    pub images: ImageCount,
    /// The id of the version's evaluation, once that is ordered.
    pub evaluation: Option<String>,
    /// The id of the evaluation of `baseline_version`. A stored evaluation of the same file on the same data is reused.
    pub baseline_evaluation: Option<String>,
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
            min_accuracy: record.min_accuracy,
            max_regression: record.max_regression,
            baseline_version: record.baseline_version,
            sha256: record.sha256,
            images: ImageCount { done: record.done, total: record.total },
            evaluation: record.candidate_evaluation_id,
            baseline_evaluation: record.baseline_evaluation_id,
            // What was written as JSON is passed on as it is.
            result: record.result.and_then(|json| RawValue::from_string(json).ok()),
            reason: record.reason,
            request_id: record.request_id,
            created: record.created,
            finished: record.finished,
        }
    }
}
