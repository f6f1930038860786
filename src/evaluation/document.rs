//! What the API tells about an evaluation.

use mien_faces::dataset::Split;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{Evaluation, Status};
use crate::store::EvaluationRecord;

/// An evaluation, with its report once it succeeded.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Evaluation)]
pub struct Document {
    #[serde(flatten)]
    #[expect(missing_docs, reason = "utoipa would print it beside the fields")]
    pub head: Head,
    /// The result of an evaluation that succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Evaluation>)]
    pub report: Option<Box<RawValue>>,
}

/// An evaluation in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListedEvaluation)]
pub struct EvaluationListItem {
    #[serde(flatten)]
    #[expect(missing_docs, reason = "utoipa would print it beside the fields")]
    pub head: Head,
    /// The single numbers of the report of an evaluation that succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Summary>)]
    pub report: Option<Box<RawValue>>,
}

/// All about an evaluation but what it found out. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = EvaluationHead)]
pub struct Head {
    /// Its name in `/v1/evaluations/{id}`.
    pub id: String,
    /// Where it stands.
    pub status: Status,
    /// The model that is evaluated.
    pub model: String,
    /// The model's version.
    pub version: String,
    /// SHA-256 of the model's file, lower-case hex.
    pub sha256: String,
    /// The data set, as `--data` names it.
    pub dataset: String,
    /// Which images of it.
    #[schema(value_type = String, example = "test")]
    pub split: Split,
    /// A fingerprint of all images and labels of the split, lower-case hex: evaluations that have it in common saw the
    /// same data. Null before it runs, and where some file could not be read.
    pub dataset_sha256: Option<String>,
    /// The most images to take, where that was asked for.
    pub limit: Option<usize>,
    /// How far it is.
    pub images: ImageCount,
    /// The id of the request that ordered it.
    pub request_id: Option<String>,
    /// When it was ordered.
    #[schema(format = DateTime)]
    pub created: String,
    /// When its first image was read.
    #[schema(format = DateTime)]
    pub started: Option<String>,
    /// When it ended.
    #[schema(format = DateTime)]
    pub finished: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How many images are through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImageCount {
    /// Images that are through.
    pub done: usize,
    /// All images of the evaluation.
    pub total: usize,
}

/// The single numbers of a report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvaluationSummary)]
pub struct Summary {
    /// Images judged.
    pub total: u64,
    /// Images whose most probable class is the label.
    pub correct: u64,
    /// `correct / total`, 0 to 1.
    pub accuracy: Option<f64>,
    /// The 95 % Wilson interval of the accuracy.
    pub interval: Option<[f64; 2]>,
    /// The mean F1 over the classes that have one.
    pub macro_f1: Option<f64>,
    /// The mean recall over the classes that have images.
    pub balanced_accuracy: Option<f64>,
    /// The mean of `-ln` of the label's probability.
    pub log_loss: Option<f64>,
    /// The mean over images of the squared errors of the seven probabilities, added up: 0 to 2.
    pub brier: Option<f64>,
    /// How far confidence and accuracy are apart, 0 to 1.
    pub expected_calibration_error: Option<f64>,
    /// How long the run took.
    pub seconds: f64,
    /// Images through reading, decoding and the model.
    pub images_per_second: f64,
}

impl Summary {
    /// The single numbers of a report.
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

/// How far an evaluation is: the data of the events of `/v1/evaluations/{id}/events`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = EvaluationProgress)]
pub struct Progress {
    /// Where it stands.
    pub status: Status,
    /// Images that are through.
    pub images: ImageCount,
    /// Images a second, of all so far; null before there are any.
    pub images_per_second: Option<f64>,
    /// The accuracy, 0 to 1, over the images so far, which are a fair mixture of all classes; null before there are any.
    pub accuracy: Option<f64>,
    /// Estimated seconds until the evaluation ends, at the pace so far; null if it does not run or has no pace yet.
    pub eta_seconds: Option<f64>,
    /// Why it failed; in the last event alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Progress {
    /// The end of an evaluation that is told from its record.
    pub fn of_record(record: &EvaluationRecord) -> Self {
        // The pace is in the summary of one that succeeded; another has none worth telling.
        let pace = record.summary.as_deref().and_then(|json| {
            serde_json::from_str::<serde_json::Value>(json).ok()?["images_per_second"].as_f64()
        });
        Self {
            status: record.status,
            images: ImageCount { done: record.done, total: record.total },
            images_per_second: pace,
            accuracy: record.accuracy,
            eta_seconds: None,
            error: record.error.clone(),
        }
    }

    /// A number that grows from one state of an evaluation to the next, the same in every server that tells of it:
    /// 0 waits, 1 runs, then one more with each image, and the last one at the end.
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

impl From<EvaluationRecord> for Document {
    fn from(mut record: EvaluationRecord) -> Self {
        let report = record.report.take().and_then(raw);
        Self { head: record.into(), report }
    }
}

impl From<EvaluationRecord> for EvaluationListItem {
    fn from(mut record: EvaluationRecord) -> Self {
        let report = record.summary.take().and_then(raw);
        Self { head: record.into(), report }
    }
}

/// What was written as JSON is passed on as it is.
fn raw(json: String) -> Option<Box<RawValue>> {
    RawValue::from_string(json).ok()
}

impl From<EvaluationRecord> for Head {
    fn from(record: EvaluationRecord) -> Self {
        Self {
            id: record.id,
            status: record.status,
            model: record.model,
            version: record.version,
            sha256: record.sha256,
            dataset: record.dataset,
            split: record.split,
            dataset_sha256: record.dataset_sha256,
            limit: record.limit,
            images: ImageCount { done: record.done, total: record.total },
            request_id: record.request_id,
            created: record.created,
            started: record.started,
            finished: record.finished,
            error: record.error,
        }
    }
}
