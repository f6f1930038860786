//! The metrics of one version of a model, looked up once so that the hot path only increments.

use std::{sync::Arc, time::Duration};

use prometheus::{Histogram, IntCounter, IntGauge};

use super::{Counted, Statistics, families::BatchFamilies};
use crate::{
    batching::Priority,
    inference::{Labels, Prediction},
};

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

/// The metrics of one version of a model. Clones share them.
#[derive(Clone)]
pub struct ModelMetrics(Arc<Series>);

struct Series {
    live: PrioritySeries,
    background: PrioritySeries,
    worker_panics: IntCounter,
    inference_timeouts: IntCounter,
    workers: IntGauge,
    queue_limit: IntGauge,
    /// One counter per label; empty for a face detector.
    predictions: Vec<IntCounter>,
    /// `None` for a face detector.
    confidence: Option<Histogram>,
    statistics: Statistics,
}

/// The series of the images of one priority.
struct PrioritySeries {
    queue_wait: Histogram,
    inference: Histogram,
    batch_images: Histogram,
    queue_images: IntGauge,
    images: [IntCounter; Outcome::ALL.len()],
}

impl PrioritySeries {
    fn new(all: &BatchFamilies, model: &str, version: &str, priority: Priority) -> Self {
        let priority = label(priority);
        let of = [model, version, priority];
        Self {
            queue_wait: all.queue_wait.with_label_values(&of),
            inference: all.inference.with_label_values(&of),
            batch_images: all.batch_images.with_label_values(&of),
            queue_images: all.queue_images.with_label_values(&[model, priority]),
            images: Outcome::ALL.map(|outcome| {
                all.images
                    .with_label_values(&[model, version, priority, outcome.label()])
            }),
        }
    }
}

/// Returns the value of the label `priority`.
fn label(priority: Priority) -> &'static str {
    match priority {
        Priority::Live => "live",
        Priority::Background => "background",
    }
}

impl ModelMetrics {
    pub(super) fn new(all: &BatchFamilies, model: &str, version: &str, labels: &[String]) -> Self {
        let prediction = |label: &String| {
            all.predictions
                .with_label_values(&[model, version, label.as_str()])
        };
        let of = [model, version];
        Self(Arc::new(Series {
            live: PrioritySeries::new(all, model, version, Priority::Live),
            background: PrioritySeries::new(all, model, version, Priority::Background),
            worker_panics: all.worker_panics.with_label_values(&of),
            inference_timeouts: all.inference_timeouts.with_label_values(&of),
            workers: all.workers.with_label_values(&of),
            queue_limit: all.queue_limit_images.with_label_values(&of),
            predictions: labels.iter().map(prediction).collect(),
            confidence: (!labels.is_empty()).then(|| all.confidence.with_label_values(&of)),
            statistics: Statistics::default(),
        }))
    }

    fn of(&self, priority: Priority) -> &PrioritySeries {
        match priority {
            Priority::Live => &self.0.live,
            Priority::Background => &self.0.background,
        }
    }

    /// The statistics of this version.
    pub fn statistics(&self) -> &Statistics {
        &self.0.statistics
    }

    /// Counts workers and the places of their queue until the result is dropped. While sessions are replaced, both sets count.
    pub fn count_capacity(&self, workers: usize, queue: usize) -> [Counted; 2] {
        [
            Counted::new(&self.0.workers, workers),
            Counted::new(&self.0.queue_limit, queue),
        ]
    }

    /// Counts images by outcome. Each image is counted once.
    pub fn count_images(&self, priority: Priority, outcome: Outcome, count: usize) {
        self.of(priority).images[outcome as usize].inc_by(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// Records the queue time of an image.
    pub fn record_queue_wait(&self, priority: Priority, waited: Duration) {
        self.of(priority).queue_wait.observe(waited.as_secs_f64());
    }

    /// Records an inference call.
    pub fn record_batch(&self, priority: Priority, images: usize, took: Duration) {
        let series = self.of(priority);
        series
            .batch_images
            .observe(f64::from(u32::try_from(images).unwrap_or(u32::MAX)));
        series.inference.observe(took.as_secs_f64());
    }

    /// Counts a panic of a classifier.
    pub fn count_worker_panic(&self) {
        self.0.worker_panics.inc();
    }

    /// Counts an inference call that exceeded its time limit.
    pub fn count_inference_timeout(&self) {
        self.0.inference_timeouts.inc();
    }

    /// Changes the number of queued images of all versions of the model.
    pub fn add_queued_images(&self, priority: Priority, change: i64) {
        self.of(priority).queue_images.add(change);
    }

    /// Records predictions for clients: label and probability.
    pub fn record_predictions(&self, predictions: &[Prediction]) {
        for prediction in predictions {
            let (class, confidence) = prediction.probabilities.top();
            if let Some(counter) = self.0.predictions.get(class) {
                counter.inc();
            }
            if let Some(histogram) = &self.0.confidence {
                histogram.observe(f64::from(confidence));
            }
        }
    }
}

/// Removes the series of a version with these labels.
pub(super) fn remove(all: &BatchFamilies, model: &str, version: &str, labels: &Labels) {
    // An error means that the series does not exist.
    for priority in [Priority::Live, Priority::Background].map(label) {
        let of = [model, version, priority];
        let _ = all.queue_wait.remove_label_values(&of);
        let _ = all.inference.remove_label_values(&of);
        let _ = all.batch_images.remove_label_values(&of);
        for outcome in Outcome::ALL.map(Outcome::label) {
            let _ = all
                .images
                .remove_label_values(&[model, version, priority, outcome]);
        }
    }
    for label in labels.names() {
        let _ = all
            .predictions
            .remove_label_values(&[model, version, label]);
    }
    let _ = all.confidence.remove_label_values(&[model, version]);
    for gauge in [&all.workers, &all.queue_limit_images] {
        let _ = gauge.remove_label_values(&[model, version]);
    }
    let _ = all.worker_panics.remove_label_values(&[model, version]);
    let _ = all
        .inference_timeouts
        .remove_label_values(&[model, version]);
}
