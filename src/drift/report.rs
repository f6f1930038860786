//! The API representation of the comparison.

use mien_faces::dataset::Split;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    feature::Feature,
    profile::FeatureProfile,
    reference::Reference,
    results::{FeatureResult, Results},
};
use crate::{store::JobId, timestamp::Timestamp};

/// Comparison of the images of clients with those of an evaluation.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Drift)]
pub struct DriftReport {
    status: DriftStatus,
    /// The evaluation that the images of clients are compared with. Missing with the status `no_reference`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference: Option<ReferenceInfo>,
    /// Number of faces in the current window.
    #[schema(example = 412)]
    window_images: usize,
    /// Number of faces per window.
    #[schema(example = 1000)]
    window_size: usize,
    /// Number of windows that were compared since the reference was set or the server was started.
    #[schema(example = 8)]
    windows: u64,
    /// End of the last window. Missing before the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    compared_at: Option<Timestamp>,
    /// The features in the last window. Empty before the first one.
    features: Vec<FeatureReport>,
}

/// Result of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DriftStatus {
    /// No evaluation of this version can be the reference. It must cover a whole split other than train with at least 100 images.
    NoReference,
    /// The first window is not full yet.
    Collecting,
    /// No feature drifts.
    Stable,
    /// One or more features drift.
    Drift,
}

/// The evaluation that the images of clients are compared with.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = DriftReference)]
struct ReferenceInfo {
    /// Identifier in `/v1/evaluations/{id}`.
    #[schema(value_type = String)]
    evaluation: JobId,
    /// Name of the data set.
    #[schema(example = "fer2013")]
    dataset: String,
    /// Split of the data set.
    #[schema(value_type = String, example = "test")]
    split: Split,
    /// Number of images.
    #[schema(example = 7178)]
    images: u64,
    /// End of the evaluation.
    #[schema(value_type = String, format = DateTime)]
    finished: Timestamp,
}

/// A feature in the last window.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = DriftFeatureReport)]
struct FeatureReport {
    feature: Feature,
    /// Whether the feature drifts. Drift begins and ends when two consecutive windows agree.
    drift: bool,
    /// Population stability index, 0 or more. Null if the feature was not measured in the window.
    #[schema(example = 0.012)]
    psi: Option<f64>,
    /// P-value of the chi-square test, adjusted for the number of features, 0 to 1.
    #[schema(example = 0.61)]
    p_value: Option<f64>,
    /// The histogram of the feature.
    bins: Vec<BinReport>,
}

/// A bin of a histogram.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = DriftBin)]
struct BinReport {
    /// The label. Only for the feature `label`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "happy")]
    label: Option<String>,
    /// Lowest value of the bin. Missing for the first bin and for labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<f32>,
    /// Values of the bin are below this value. Missing for the last bin and for labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    below: Option<f32>,
    /// Share of the images of the evaluation in this bin, 0 to 1.
    reference: f64,
    /// Share of the faces of the last window in this bin, 0 to 1.
    live: f64,
}

impl DriftReport {
    /// Returns the report of a version without a reference.
    pub(super) fn without_reference(window_size: usize) -> Self {
        Self {
            status: DriftStatus::NoReference,
            reference: None,
            window_images: 0,
            window_size,
            windows: 0,
            compared_at: None,
            features: Vec::new(),
        }
    }

    /// Returns the report of a version. `window` contains the number of faces in the current window and their maximum.
    pub(super) fn new(
        reference: &Reference,
        results: &Results,
        (window_images, window_size): (usize, usize),
        labels: &[String],
    ) -> Self {
        let is_drifting = |feature: &FeatureResult| feature.decision.is_drifting;
        let (status, features) = if results.windows == 0 {
            (DriftStatus::Collecting, Vec::new())
        } else if results.features.iter().any(is_drifting) {
            (DriftStatus::Drift, features(reference, results, labels))
        } else {
            (DriftStatus::Stable, features(reference, results, labels))
        };
        Self {
            status,
            reference: Some(ReferenceInfo {
                evaluation: reference.evaluation,
                dataset: reference.dataset.clone(),
                split: reference.split,
                images: reference.profile.images,
                finished: reference.finished,
            }),
            window_images,
            window_size,
            windows: results.windows,
            compared_at: results.compared_at,
            features,
        }
    }
}

/// Returns the features in the last window.
fn features(reference: &Reference, results: &Results, labels: &[String]) -> Vec<FeatureReport> {
    let profiles = reference.profile.features.iter();
    let rows = profiles.zip(&results.features).zip(&results.last.counts);
    let report = |((profile, result), live): ((&FeatureProfile, &FeatureResult), &Vec<u64>)| {
        let difference = result.difference;
        FeatureReport {
            feature: profile.feature,
            drift: result.decision.is_drifting,
            psi: difference.map(|difference| difference.psi),
            p_value: difference.map(|difference| difference.p_value),
            bins: bins(profile, live, labels),
        }
    };
    rows.map(report).collect()
}

/// Returns the bins of a feature with the counts of the last window.
fn bins(profile: &FeatureProfile, live: &[u64], labels: &[String]) -> Vec<BinReport> {
    let share = |counts: &[u64], index: usize| {
        let total: u64 = counts.iter().sum();
        counts[index] as f64 / total.max(1) as f64
    };
    let bin = |index| {
        let is_label = profile.feature == Feature::Label;
        let (from, below) = if is_label {
            (None, None)
        } else {
            profile.bins.bounds(index)
        };
        BinReport {
            label: labels.get(index).filter(|_| is_label).cloned(),
            from,
            below,
            reference: share(&profile.counts, index),
            live: share(live, index),
        }
    };
    (0..profile.bins.len()).map(bin).collect()
}
