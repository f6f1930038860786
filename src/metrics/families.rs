//! The metric families of the server and their buckets. Each field has the name of its metric without prefix and unit.

use prometheus::{GaugeVec, Histogram, HistogramVec, IntCounterVec, IntGaugeVec, Registry};

use super::register::{counter, gauge, histogram, int_gauge, register, single_histogram};
use crate::telemetry::dropped_lines;

/// Buckets of queue times in seconds; an idle worker takes an image in microseconds.
const WAIT_SECONDS: &[f64] = &[
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
    30.0,
];
/// Buckets of inference durations in seconds.
const INFERENCE_SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 5.0,
];
/// Buckets of the durations of loads in seconds.
const LOAD_SECONDS: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];
/// Buckets of batch sizes.
const BATCH_IMAGES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];
/// Buckets of the probability of the predicted label; chance is 0.14.
const CONFIDENCE: &[f64] = &[0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0];

/// Buckets of the number of faces in a photo.
const FACES: &[f64] = &[0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

/// Creates and registers the metrics of the process.
pub(super) fn register_process(r: &Registry) {
    let build = int_gauge(
        r,
        "mien_build_info",
        "Version of the server; always 1.",
        &["version"],
    );
    build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    register(r, dropped_lines());
    #[cfg(target_os = "linux")]
    register(
        r,
        prometheus::process_collector::ProcessCollector::for_self(),
    );
}

/// Creates and registers the histogram of faces per photo.
pub(super) fn register_faces(r: &Registry) -> Histogram {
    single_histogram(
        r,
        "mien_faces_per_photo",
        "Number of faces that were found in a photo.",
        FACES,
    )
}

/// The images and batches of models.
pub(super) struct BatchFamilies {
    pub(super) queue_wait: HistogramVec,
    pub(super) inference: HistogramVec,
    pub(super) batch_images: HistogramVec,
    pub(super) queue_images: IntGaugeVec,
    pub(super) queue_limit_images: IntGaugeVec,
    pub(super) workers: IntGaugeVec,
    pub(super) images: IntCounterVec,
    pub(super) worker_panics: IntCounterVec,
    pub(super) inference_timeouts: IntCounterVec,
    pub(super) predictions: IntCounterVec,
    pub(super) confidence: HistogramVec,
}

impl BatchFamilies {
    /// Creates and registers the families.
    pub(super) fn register(r: &Registry) -> Self {
        Self {
            queue_wait: histogram(
                r,
                "mien_queue_wait_seconds",
                "Time of an image in the queue.",
                &["model", "version", "priority"],
                WAIT_SECONDS,
            ),
            inference: histogram(
                r,
                "mien_inference_duration_seconds",
                "Duration of one inference call, one observation per batch.",
                &["model", "version", "priority"],
                INFERENCE_SECONDS,
            ),
            batch_images: histogram(
                r,
                "mien_batch_images",
                "Number of images of a batch.",
                &["model", "version", "priority"],
                BATCH_IMAGES,
            ),
            queue_images: int_gauge(
                r,
                "mien_queue_images",
                "Number of queued images.",
                &["model", "priority"],
            ),
            queue_limit_images: int_gauge(
                r,
                "mien_queue_limit_images",
                "Maximum number of queued images.",
                &["model", "version"],
            ),
            workers: int_gauge(
                r,
                "mien_workers",
                "Number of workers, each with a session.",
                &["model", "version"],
            ),
            images: counter(
                r,
                "mien_images_total",
                "Received images by outcome.",
                &["model", "version", "priority", "outcome"],
            ),
            worker_panics: counter(
                r,
                "mien_worker_panics_total",
                "Panics of a classifier; the worker then creates a new session.",
                &["model", "version"],
            ),
            inference_timeouts: counter(
                r,
                "mien_inference_timeouts_total",
                "Inference calls that exceeded --inference-timeout and were terminated.",
                &["model", "version"],
            ),
            predictions: counter(
                r,
                "mien_predictions_total",
                "Predictions for clients by label.",
                &["model", "version", "label"],
            ),
            confidence: histogram(
                r,
                "mien_prediction_confidence",
                "Probability of the predicted label of predictions for clients.",
                &["model", "version"],
                CONFIDENCE,
            ),
        }
    }
}

/// The versions of models.
pub(super) struct VersionFamilies {
    pub(super) model_loads: IntCounterVec,
    pub(super) model_load_duration: HistogramVec,
    pub(super) model_info: IntGaugeVec,
    pub(super) model_ready: IntGaugeVec,
    pub(super) engine_fallbacks: IntCounterVec,
    pub(super) evaluation_accuracy: GaugeVec,
    pub(super) promotions: IntCounterVec,
}

impl VersionFamilies {
    /// Creates and registers the families.
    pub(super) fn register(r: &Registry) -> Self {
        Self {
            model_loads: counter(
                r,
                "mien_model_loads_total",
                "Loads of versions by outcome.",
                &["model", "outcome"],
            ),
            model_load_duration: histogram(
                r,
                "mien_model_load_duration_seconds",
                "Duration of loads that succeeded, from the start of reading to the first ready worker.",
                &["model"],
                LOAD_SECONDS,
            ),
            model_info: int_gauge(
                r,
                "mien_model_info",
                "Loaded model files; always 1.",
                &[
                    "model",
                    "version",
                    "architecture",
                    "sha256",
                    "engine",
                    "precision",
                ],
            ),
            model_ready: int_gauge(
                r,
                "mien_model_ready",
                "1 for a loaded version, 0 for one that failed to load or was unloaded.",
                &["model", "version"],
            ),
            engine_fallbacks: counter(
                r,
                "mien_engine_fallbacks_total",
                "Models that use the default provider instead of another engine, by reason.",
                &["model", "reason"],
            ),
            evaluation_accuracy: gauge(
                r,
                "mien_evaluation_accuracy",
                "Accuracy of the last evaluation of a whole split, 0 to 1.",
                &["model", "version", "dataset", "split"],
            ),
            promotions: counter(
                r,
                "mien_promotions_total",
                "Ended promotions by outcome.",
                &["model", "outcome"],
            ),
        }
    }
}
