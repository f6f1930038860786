//! The result of an evaluation.

use mien_faces::{
    dataset::LeftOut,
    report::{GroupingScores, Mistake, Predictions, Report, WithoutDuplicates},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::drift::Profile;

/// Maximum number of unreadable images that a report names.
const MAX_REPORTED: usize = 20;

/// The report of an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = EvaluationReport)]
pub struct Evaluation {
    /// Scores over the readable images.
    #[serde(flatten)]
    pub report: Report,
    /// The most confident mistakes in descending order of confidence, at most 24.
    #[serde(default)]
    pub mistakes: Vec<Mistake>,
    /// The score without test images that are also in train, which a model may have memorised. Absent for evaluations on
    /// train, and if the data set has no train split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_duplicates: Option<WithoutDuplicates>,
    /// The accuracy per group: of the groupings in `groups.csv` of the data set, then of brightness, contrast and blur. The groups `low`,
    /// `medium` and `high` are terciles of the evaluated images. Reports of older versions do not have groups.
    #[serde(default)]
    pub groups: Vec<GroupingScores>,
    /// The unreadable images.
    pub unreadable: Unreadable,
    /// Files and directories of the data set, of all splits together, that are not part of any evaluation.
    #[serde(default)]
    pub left_out: LeftOut,
    /// Duration in seconds.
    pub seconds: f64,
    /// Throughput of reading, decoding and inference together, under the load of the server at that time.
    pub images_per_second: f64,
}

/// Images of the data set that cannot be read. They are not scored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unreadable {
    /// Number of unreadable images.
    pub count: usize,
    /// The first of them by name, at most 20.
    pub images: Vec<UnreadableImage>,
}

/// An unreadable image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnreadableImage {
    /// Name within the data set.
    pub name: String,
    /// Why it cannot be read.
    pub detail: String,
}

/// A report and the predictions that it is computed from.
#[derive(Debug, Clone)]
pub struct EvaluationResult {
    /// The report.
    pub evaluation: Evaluation,
    /// Predictions for the readable images, in the order of the data set.
    pub predictions: Predictions,
    /// The distribution of the features; `None` for few images.
    pub profile: Option<Profile>,
}

/// A number of processed images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgressUpdate {
    /// Number of images, including unreadable ones.
    pub images: usize,
    /// Number of readable images.
    pub classified: usize,
    /// Number of correct predictions.
    pub correct: usize,
}

impl Unreadable {
    /// Counts the images and keeps the first ones by name.
    pub(super) fn finalize(&mut self) {
        self.count = self.images.len();
        self.images.sort_by(|a, b| a.name.cmp(&b.name));
        self.images.truncate(MAX_REPORTED);
    }
}
