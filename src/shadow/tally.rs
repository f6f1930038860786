//! Counts the results of a shadow.

use std::{collections::BTreeMap, time::Duration};

use super::durations::Durations;
use crate::metrics::ShadowOutcome;

/// The result of the candidate for one image.
pub(super) enum Outcome {
    /// The candidate classified the image.
    Compared(Pair),
    /// A queue of the candidate was full.
    Dropped,
    /// The candidate failed.
    Failed,
}

/// The results of both versions for one image.
pub(super) struct Pair {
    pub(super) serving: Side,
    pub(super) candidate: Side,
}

/// The result of one version.
pub(super) struct Side {
    /// Index of the predicted label in the labels of the serving version.
    pub(super) class: usize,
    /// Probability of the predicted label.
    pub(super) confidence: f32,
    /// Inference time per image.
    pub(super) inference: Duration,
}

/// The sums over all images. The memory is bounded by the number of labels.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) agreed: u64,
    pub(super) flipped: u64,
    pub(super) dropped: u64,
    pub(super) failed: u64,
    /// Number of images by the labels of the serving version and of the candidate, if they differ.
    pub(super) flips: BTreeMap<(usize, usize), u64>,
    /// Sum of the absolute differences of the confidences.
    confidence_differences: f64,
    pub(super) serving: Durations,
    pub(super) candidate: Durations,
}

impl Tally {
    /// Counts an image and returns its outcome for the metrics.
    pub(super) fn add(&mut self, outcome: Outcome) -> ShadowOutcome {
        let Pair { serving, candidate } = match outcome {
            Outcome::Compared(pair) => pair,
            Outcome::Dropped => {
                self.dropped += 1;
                return ShadowOutcome::Dropped;
            }
            Outcome::Failed => {
                self.failed += 1;
                return ShadowOutcome::Failed;
            }
        };
        self.confidence_differences += f64::from((serving.confidence - candidate.confidence).abs());
        self.serving.record(serving.inference);
        self.candidate.record(candidate.inference);
        if serving.class == candidate.class {
            self.agreed += 1;
            return ShadowOutcome::Agreed;
        }
        self.flipped += 1;
        let labels = (serving.class, candidate.class);
        *self.flips.entry(labels).or_default() += 1;
        ShadowOutcome::Flipped
    }

    /// Returns the number of images that both versions classified.
    pub(super) fn compared(&self) -> u64 {
        self.agreed + self.flipped
    }

    /// Returns the number of images that the candidate classified or failed on.
    pub(super) fn attempted(&self) -> u64 {
        self.compared() + self.failed
    }

    /// Returns the share of images with the same label. An image that the candidate failed on does not have the same label.
    pub(super) fn agreement(&self) -> Option<f64> {
        let attempted = self.attempted();
        (attempted > 0).then(|| self.agreed as f64 / attempted as f64)
    }

    /// Returns the mean absolute difference of the confidences.
    pub(super) fn confidence_difference(&self) -> Option<f64> {
        let compared = self.compared();
        (compared > 0).then(|| self.confidence_differences / compared as f64)
    }
}
