//! The API representation of an evaluation.

use mien_faces::dataset::Split;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{Status, result::Evaluation};
use crate::{
    models::ModelVersion,
    store::{EvaluationRecord, JobId},
    timestamp::Timestamp,
};

/// An evaluation, with its report if it succeeded.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Evaluation)]
pub struct EvaluationResponse {
    #[serde(flatten)]
    #[expect(missing_docs, reason = "utoipa would print it next to the fields")]
    pub info: EvaluationInfo,
    /// The report of a successful evaluation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Evaluation>)]
    pub report: Option<Box<RawValue>>,
}

/// An evaluation in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListedEvaluation)]
pub struct EvaluationListItem {
    #[serde(flatten)]
    #[expect(missing_docs, reason = "utoipa would print it next to the fields")]
    pub info: EvaluationInfo,
    /// The summary of a successful evaluation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Summary>)]
    pub report: Option<Box<RawValue>>,
}

/// An evaluation without its report. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = EvaluationHead)]
pub struct EvaluationInfo {
    /// Identifier in `/v1/evaluations/{id}`.
    #[schema(value_type = String)]
    pub id: JobId,
    /// Status of the evaluation.
    pub status: Status,
    /// The evaluated model.
    pub model: String,
    /// The model's version.
    #[schema(value_type = String)]
    pub version: ModelVersion,
    /// SHA-256 of the model file, lower-case hex.
    pub sha256: String,
    /// The engine that executed the model: `onnxruntime` or `openvino`.
    #[schema(example = "onnxruntime")]
    pub engine: String,
    /// The precision of the arithmetic: `fp32` or `bf16`.
    #[schema(example = "fp32")]
    pub precision: String,
    /// The name of the data set in `--data`.
    pub dataset: String,
    /// The split of the data set.
    #[schema(value_type = String, example = "test")]
    pub split: Split,
    /// Fingerprint of all images and labels of the split, lower-case hex. Evaluations with the same fingerprint saw the same
    /// data. Null before the evaluation runs, and if a file could not be read.
    pub dataset_sha256: Option<String>,
    /// Maximum number of images, if the request limited it.
    pub limit: Option<usize>,
    /// Number of processed images.
    pub images: ImageCount,
    /// Identifier of the request that started it.
    pub request_id: Option<String>,
    /// Time of the request.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// Time when the first image was read.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started: Option<Timestamp>,
    /// Time when it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished: Option<Timestamp>,
    /// Reason for a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Progress in images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImageCount {
    /// Number of processed images.
    pub done: usize,
    /// Number of images of the evaluation.
    pub total: usize,
}

/// The main scores of a report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvaluationSummary)]
pub struct Summary {
    /// Number of scored images.
    pub total: u64,
    /// Number of images whose most probable class is the label.
    pub correct: u64,
    /// `correct / total`, 0 to 1.
    pub accuracy: Option<f64>,
    /// The 95 % Wilson interval of the accuracy.
    pub interval: Option<[f64; 2]>,
    /// Mean F1 score over the classes that have one.
    pub macro_f1: Option<f64>,
    /// Mean recall over the classes that have images.
    pub balanced_accuracy: Option<f64>,
    /// Mean negative logarithm of the label's probability.
    pub log_loss: Option<f64>,
    /// Mean over images of the summed squared errors of the seven probabilities, 0 to 2.
    pub brier: Option<f64>,
    /// Expected calibration error, 0 to 1.
    pub expected_calibration_error: Option<f64>,
    /// Duration in seconds.
    pub seconds: f64,
    /// Throughput of reading, decoding and inference together.
    pub images_per_second: f64,
}

impl Summary {
    /// Extracts the main scores of a report.
    pub fn of(evaluation: &Evaluation) -> Self {
        let report = &evaluation.report;
        Self {
            total: report.score.total,
            correct: report.score.correct,
            accuracy: report.score.accuracy,
            interval: report.score.interval,
            macro_f1: report.macro_f1,
            balanced_accuracy: report.balanced_accuracy,
            log_loss: report.log_loss,
            brier: report.brier,
            expected_calibration_error: report.expected_calibration_error,
            seconds: evaluation.seconds,
            images_per_second: evaluation.images_per_second,
        }
    }
}

/// Progress of an evaluation: the data of the events of `/v1/evaluations/{id}/events`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = EvaluationProgress)]
pub struct Progress {
    /// Status of the evaluation.
    pub status: Status,
    /// Number of processed images.
    pub images: ImageCount,
    /// Mean throughput so far; null before the first image.
    pub images_per_second: Option<f64>,
    /// Accuracy over the images so far, 0 to 1. The images are mixed by class, so this is a fair estimate. Null before the
    /// first image.
    pub accuracy: Option<f64>,
    /// Estimated remaining time in seconds; null if the evaluation is not running or has no throughput yet.
    pub eta_seconds: Option<f64>,
    /// Reason for a failure; only in the last event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Progress {
    /// Returns the final progress of a stored evaluation.
    pub fn of_record(record: &EvaluationRecord) -> Self {
        // Only successful evaluations have a throughput in their summary.
        let throughput = record.summary.as_deref().and_then(|json| {
            serde_json::from_str::<serde_json::Value>(json).ok()?["images_per_second"].as_f64()
        });
        Self {
            status: record.status,
            images: ImageCount {
                done: record.done,
                total: record.total,
            },
            images_per_second: throughput,
            accuracy: record.accuracy,
            eta_seconds: None,
            error: record.error.clone(),
        }
    }

    /// Returns a number that grows with the progress and does not depend on the process: 0 for queued, 1 for running, one
    /// more per image, and the highest number at the end. It is the identifier of the event.
    pub fn position(&self) -> u64 {
        let ImageCount { done, total } = self.images;
        let count = |images: usize| u64::try_from(images).unwrap_or(u64::MAX - 2);
        match self.status {
            Status::Queued => 0,
            Status::Running => 1 + count(done),
            Status::Succeeded | Status::Failed | Status::Cancelled => 2 + count(total),
        }
    }
}

impl From<EvaluationRecord> for EvaluationResponse {
    fn from(mut record: EvaluationRecord) -> Self {
        let report = record.report.take().and_then(raw);
        Self {
            info: record.into(),
            report,
        }
    }
}

impl From<EvaluationRecord> for EvaluationListItem {
    fn from(mut record: EvaluationRecord) -> Self {
        let report = record.summary.take().and_then(raw);
        Self {
            info: record.into(),
            report,
        }
    }
}

/// Wraps stored JSON so that it is passed on unchanged.
fn raw(json: String) -> Option<Box<RawValue>> {
    RawValue::from_string(json).ok()
}

impl From<EvaluationRecord> for EvaluationInfo {
    fn from(record: EvaluationRecord) -> Self {
        Self {
            id: record.id,
            status: record.status,
            model: record.model,
            version: record.version,
            sha256: record.sha256,
            engine: record.engine,
            precision: record.precision,
            dataset: record.dataset,
            split: record.split,
            dataset_sha256: record.dataset_sha256,
            limit: record.limit,
            images: ImageCount {
                done: record.done,
                total: record.total,
            },
            request_id: record.request_id,
            created: record.created,
            started: record.started,
            finished: record.finished,
            error: record.error,
        }
    }
}
