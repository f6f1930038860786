//! The API representation of a promotion.

use mien_faces::dataset::Split;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::Verdict;
use crate::{
    evaluation::ImageCount,
    models::ModelVersion,
    store::{JobId, PromotionRecord, PromotionStatus},
    timestamp::Timestamp,
};

/// A promotion: a candidate version that serves the model's traffic if it meets a criterion. Times are RFC 3339 in UTC.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Promotion)]
pub struct PromotionResponse {
    /// Identifier in `/v1/models/{name}/promotions/{id}`.
    #[schema(value_type = String)]
    pub id: JobId,
    /// Status of the promotion.
    pub status: PromotionStatus,
    /// Name of the model.
    pub model: String,
    /// Candidate version.
    #[schema(value_type = String)]
    pub version: ModelVersion,
    /// Serving version when the promotion started.
    #[schema(value_type = Option<String>)]
    pub previous: Option<ModelVersion>,
    /// Name of the data set in `--data`.
    pub dataset: String,
    /// Split of the data set.
    #[schema(value_type = String, example = "test")]
    pub split: Split,
    /// Maximum number of images, if the request limited it.
    pub limit: Option<usize>,
    /// The accuracy, 0 to 1, that the version must reach; null with `max_regression`.
    pub min_accuracy: Option<f64>,
    /// How much lower, 0 to 1, the accuracy may be than that of `baseline_version`; null with `min_accuracy`.
    pub max_regression: Option<f64>,
    /// How much lower, 0 to 1, the accuracy may be in each group of at least 30 images; null without a limit per group.
    pub max_group_regression: Option<f64>,
    /// The version that it is compared with; null with `min_accuracy`.
    #[schema(value_type = Option<String>)]
    pub baseline_version: Option<ModelVersion>,
    /// SHA-256 of the candidate file, lower-case hex; null before it is loaded.
    pub sha256: Option<String>,
    /// The engine that executes the candidate: `onnxruntime` or `openvino`; null before it is loaded.
    #[schema(example = "onnxruntime")]
    pub engine: Option<String>,
    /// The precision of the candidate's arithmetic: `fp32` or `bf16`; null before it is loaded.
    #[schema(example = "fp32")]
    pub precision: Option<String>,
    /// Progress of its evaluations.
    pub images: ImageCount,
    /// Identifier of the candidate's evaluation; null before it starts.
    #[schema(value_type = Option<String>)]
    pub evaluation: Option<JobId>,
    /// Identifier of the evaluation of `baseline_version`. A stored evaluation of the same file with the
    /// same engine and precision on the same data is reused.
    #[schema(value_type = Option<String>)]
    pub baseline_evaluation: Option<JobId>,
    /// Measured values; null before the evaluations have ended.
    #[schema(value_type = Option<Verdict>)]
    pub result: Option<Box<RawValue>>,
    /// Reason for the result as text.
    pub reason: Option<String>,
    /// Identifier of the request that started it.
    pub request_id: Option<String>,
    /// Time of the request.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// Time when it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished: Option<Timestamp>,
}

impl From<PromotionRecord> for PromotionResponse {
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
            max_group_regression: record.max_group_regression,
            baseline_version: record.baseline_version,
            sha256: record.sha256,
            engine: record.engine,
            precision: record.precision,
            images: ImageCount {
                done: record.done,
                total: record.total,
            },
            evaluation: record.candidate_evaluation_id,
            baseline_evaluation: record.baseline_evaluation_id,
            // The stored JSON is passed on unchanged.
            result: record
                .result
                .and_then(|json| RawValue::from_string(json).ok()),
            reason: record.reason,
            request_id: record.request_id,
            created: record.created,
            finished: record.finished,
        }
    }
}
