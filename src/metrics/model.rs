//! The metrics of one model, looked up once so that the hot path only increments.

use std::{sync::Arc, time::Duration};

use prometheus::{Histogram, IntCounter, IntGauge};

use super::{Statistics, families::BatchFamilies};
use crate::inference::{Labels, Prediction};

/// Outcome of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Classified and delivered.
    Ok,
    /// The image cannot be decoded.
    Invalid,
    /// Rejected because the queue is full.
    Rejected,
    /// The deadline passed.
    Expired,
    /// The client disconnected.
    Cancelled,
    /// The model failed.
    Failed,
}

impl Outcome {
    const ALL: [Self; 6] = [
        Self::Ok,
        Self::Invalid,
        Self::Rejected,
        Self::Expired,
        Self::Cancelled,
        Self::Failed,
    ];

    fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Invalid => "invalid",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

/// The metrics of one model and the statistics of one of its versions. Clones share them.
#[derive(Clone)]
pub struct ModelMetrics(Arc<Series>);

struct Series {
    queue_wait: Histogram,
    inference: Histogram,
    batch_images: Histogram,
    queue_images: IntGauge,
    images: [IntCounter; Outcome::ALL.len()],
    worker_panics: IntCounter,
    predictions: Vec<IntCounter>,
    confidence: Histogram,
    statistics: Statistics,
}

impl ModelMetrics {
    pub(super) fn new(all: &BatchFamilies, model: &str, labels: &Labels) -> Self {
        let of = [model];
        let prediction =
            |label: &String| all.predictions.with_label_values(&[model, label.as_str()]);
        Self(Arc::new(Series {
            queue_wait: all.queue_wait.with_label_values(&of),
            inference: all.inference.with_label_values(&of),
            batch_images: all.batch_images.with_label_values(&of),
            queue_images: all.queue_images.with_label_values(&of),
            images: Outcome::ALL
                .map(|outcome| all.images.with_label_values(&[model, outcome.label()])),
            worker_panics: all.worker_panics.with_label_values(&of),
            predictions: labels.names().iter().map(prediction).collect(),
            confidence: all.confidence.with_label_values(&of),
            statistics: Statistics::default(),
        }))
    }

    /// The statistics of this version.
    pub fn statistics(&self) -> &Statistics {
        &self.0.statistics
    }

    /// Counts images by outcome. Each image is counted once.
    pub fn count_images(&self, outcome: Outcome, count: usize) {
        self.0.images[outcome as usize].inc_by(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// Records the queue time of an image.
    pub fn record_queue_wait(&self, waited: Duration) {
        self.0.queue_wait.observe(waited.as_secs_f64());
    }

    /// Records an inference call.
    pub fn record_batch(&self, images: usize, took: Duration) {
        self.0
            .batch_images
            .observe(f64::from(u32::try_from(images).unwrap_or(u32::MAX)));
        self.0.inference.observe(took.as_secs_f64());
    }

    /// Counts a panic of a classifier.
    pub fn count_worker_panic(&self) {
        self.0.worker_panics.inc();
    }

    /// Changes the number of queued images of all versions of the model.
    pub fn add_queued_images(&self, change: i64) {
        self.0.queue_images.add(change);
    }

    /// Records predictions: label and probability.
    pub fn record_predictions(&self, predictions: &[Prediction]) {
        for prediction in predictions {
            let (class, confidence) = prediction.probabilities.top();
            if let Some(counter) = self.0.predictions.get(class) {
                counter.inc();
            }
            self.0.confidence.observe(f64::from(confidence));
        }
    }
}
