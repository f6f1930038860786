//! The API representation of a shadow.

use mien_faces::report::wilson;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{durations::Durations, tally::Tally};
use crate::{
    inference::engine::{Engine, Execution, Precision},
    models::ModelVersion,
    timestamp::Timestamp,
};

/// Maximum number of pairs of labels in a report.
const MAX_FLIPS: usize = 100;

/// Status of a shadow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ShadowStatus {
    /// The candidate is being loaded.
    Loading,
    /// Images are copied.
    Running,
    /// The shadow has ended.
    Ended,
    /// The shadow could not be started, or it crashed.
    Failed,
}

/// A shadow: a candidate classifies a share of the images that clients send to the serving version. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Shadow)]
pub struct ShadowReport {
    /// Name of the model.
    pub model: String,
    /// The serving version.
    #[schema(value_type = String, example = "1")]
    pub version: ModelVersion,
    /// Name and version of the candidate.
    #[schema(example = "student@2")]
    pub candidate: String,
    /// SHA-256 of the candidate file, lower-case hex; null before it is loaded.
    pub candidate_sha256: Option<String>,
    /// Engine of the candidate; null before it is loaded.
    pub engine: Option<Engine>,
    /// Precision of the candidate; null before it is loaded.
    pub precision: Option<Precision>,
    /// Share of the images that are copied, greater than 0 and at most 1.
    pub share: f64,
    /// Status of the shadow.
    pub status: ShadowStatus,
    /// Why the shadow ended or failed.
    pub reason: Option<String>,
    /// Time of the request, or of the start of the server for a shadow of `--shadow`.
    #[schema(value_type = String, format = DateTime)]
    pub started: Timestamp,
    /// Time when the shadow ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended: Option<Timestamp>,
    /// Numbers of copied images.
    pub images: ShadowImages,
    /// Share of the images for which the candidate predicts the label of the serving version, 0 to 1. Images that the candidate failed on
    /// count as different labels. Null before the first image.
    pub agreement: Option<f64>,
    /// The 95 % Wilson interval of the agreement.
    pub interval: Option<[f64; 2]>,
    /// Mean absolute difference between the probabilities that both versions assign to their predicted labels, 0 to 1.
    pub confidence_difference: Option<f64>,
    /// Numbers of images with different labels, in descending order, at most 100 pairs of labels.
    pub flips: Vec<LabelFlip>,
    /// Inference times of the serving version for the compared images; null before the first one.
    pub serving_inference: Option<InferenceTimes>,
    /// Inference times of the candidate for the same images; null before the first one.
    pub candidate_inference: Option<InferenceTimes>,
}

/// Numbers of copied images.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
pub struct ShadowImages {
    /// Images that both versions classified.
    pub compared: u64,
    /// Images that the candidate failed on.
    pub failed: u64,
    /// Images that were not compared, because a queue was full.
    pub dropped: u64,
}

/// A pair of different labels for the same image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LabelFlip {
    /// Label of the serving version.
    pub serving: String,
    /// Label of the candidate.
    pub candidate: String,
    /// Number of images.
    pub images: u64,
}

/// Inference times per image: the duration of an inference call divided by its number of images. Each value differs from
/// the exact value by at most 4.5 %.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct InferenceTimes {
    /// Median in milliseconds.
    pub p50_ms: f64,
    /// 99 % quantile in milliseconds.
    pub p99_ms: f64,
}

impl ShadowReport {
    /// Adds the file and the engine of the candidate.
    pub(super) fn set_candidate(&mut self, sha256: &str, execution: Execution) {
        let Execution { engine, precision } = execution;
        self.candidate_sha256 = Some(sha256.to_owned());
        self.engine = Some(engine);
        self.precision = Some(precision);
    }

    /// Adds the results. `dropped` are the images that did not fit into the queue of the shadow.
    pub(super) fn set_results(&mut self, tally: &Tally, dropped: u64, labels: &[String]) {
        self.images = ShadowImages {
            compared: tally.compared(),
            failed: tally.failed,
            dropped: tally.dropped + dropped,
        };
        self.agreement = tally.agreement();
        self.interval = wilson(tally.agreed, tally.attempted());
        self.confidence_difference = tally.confidence_difference();
        self.flips = flips(tally, labels);
        self.serving_inference = InferenceTimes::of(&tally.serving);
        self.candidate_inference = InferenceTimes::of(&tally.candidate);
    }
}

impl InferenceTimes {
    fn of(durations: &Durations) -> Option<Self> {
        Some(Self {
            p50_ms: durations.quantile_ms(0.5)?,
            p99_ms: durations.quantile_ms(0.99)?,
        })
    }
}

fn flips(tally: &Tally, labels: &[String]) -> Vec<LabelFlip> {
    let label = |class: usize| labels.get(class).cloned().unwrap_or_default();
    let mut flips: Vec<_> = tally.flips.iter().collect();
    // The sort is stable, so equal numbers stay in the order of the labels.
    flips.sort_by_key(|(_, images)| std::cmp::Reverse(**images));
    flips.truncate(MAX_FLIPS);
    let flip = |(&(serving, candidate), &images): (&(usize, usize), &u64)| LabelFlip {
        serving: label(serving),
        candidate: label(candidate),
        images,
    };
    flips.into_iter().map(flip).collect()
}
