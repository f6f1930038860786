//! The metrics of the server in one registry, in base units.
//!
//! Label values come from closed sets: models of the repository, route patterns and known methods. Clients cannot create time
//! series.

mod model;
mod register;
mod statistics;

use std::time::Duration;

use prometheus::{
    Encoder, GaugeVec, HistogramVec, IntCounterVec, IntGaugeVec, Registry, TextEncoder,
};

use self::register::{counter, gauge, histogram, int_gauge, register};

pub use model::{ModelMetrics, Outcome};
pub use statistics::{Statistics, Total, Totals};

use crate::inference::Labels;

/// Buckets of request durations in seconds.
const REQUEST_SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
/// Buckets of queue times in seconds; an idle worker takes an image in microseconds.
const WAIT_SECONDS: &[f64] = &[
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
    30.0,
];
/// Buckets of inference durations in seconds.
const INFERENCE_SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 5.0,
];
/// Buckets of batch sizes.
const BATCH_IMAGES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];
/// Buckets of the probability of the predicted label; chance is 0.14.
const CONFIDENCE: &[f64] = &[0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0];

/// Outcomes of a load.
const LOAD_OUTCOMES: [&str; 2] = ["ok", "failed"];
/// Outcomes of a promotion.
const PROMOTION_OUTCOMES: [&str; 4] = ["promoted", "rejected", "failed", "cancelled"];

/// The metrics of the server.
pub struct Metrics {
    registry: Registry,
    http_requests: IntCounterVec,
    http_duration: HistogramVec,
    grpc_requests: IntCounterVec,
    queue_wait: HistogramVec,
    inference: HistogramVec,
    batch_images: HistogramVec,
    queue_images: IntGaugeVec,
    images: IntCounterVec,
    worker_panics: IntCounterVec,
    predictions: IntCounterVec,
    confidence: HistogramVec,
    model_loads: IntCounterVec,
    model_info: IntGaugeVec,
    model_ready: IntGaugeVec,
    evaluation_accuracy: GaugeVec,
    promotions: IntCounterVec,
}

impl Metrics {
    /// Creates and registers all metrics.
    #[expect(
        clippy::new_without_default,
        reason = "a second registry must not be created by accident"
    )]
    pub fn new() -> Self {
        let registry = Registry::new();
        let r = &registry;
        let build = int_gauge(
            r,
            "mien_build_info",
            "Version of the server; always 1.",
            &["version"],
        );
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        #[cfg(target_os = "linux")]
        register(
            r,
            prometheus::process_collector::ProcessCollector::for_self(),
        );
        Self {
            http_requests: counter(
                r,
                "mien_http_requests_total",
                "HTTP responses by route pattern and status.",
                &["method", "route", "status"],
            ),
            http_duration: histogram(
                r,
                "mien_http_request_duration_seconds",
                "Time from the head of a request to its response.",
                &["route"],
                REQUEST_SECONDS,
            ),
            grpc_requests: counter(
                r,
                "mien_grpc_requests_total",
                "gRPC responses by call and status code.",
                &["method", "code"],
            ),
            queue_wait: histogram(
                r,
                "mien_queue_wait_seconds",
                "Time of an image in the queue.",
                &["model"],
                WAIT_SECONDS,
            ),
            inference: histogram(
                r,
                "mien_inference_duration_seconds",
                "Duration of one inference call, one observation per batch.",
                &["model"],
                INFERENCE_SECONDS,
            ),
            batch_images: histogram(
                r,
                "mien_batch_images",
                "Number of images of a batch.",
                &["model"],
                BATCH_IMAGES,
            ),
            queue_images: int_gauge(
                r,
                "mien_queue_images",
                "Number of queued images.",
                &["model"],
            ),
            images: counter(
                r,
                "mien_images_total",
                "Received images by outcome.",
                &["model", "outcome"],
            ),
            worker_panics: counter(
                r,
                "mien_worker_panics_total",
                "Panics of a classifier; the worker then creates a new session.",
                &["model"],
            ),
            predictions: counter(
                r,
                "mien_predictions_total",
                "Predictions by label.",
                &["model", "label"],
            ),
            confidence: histogram(
                r,
                "mien_prediction_confidence",
                "Probability of the predicted label.",
                &["model"],
                CONFIDENCE,
            ),
            model_loads: counter(
                r,
                "mien_model_loads_total",
                "Loads of versions by outcome.",
                &["model", "outcome"],
            ),
            model_info: int_gauge(
                r,
                "mien_model_info",
                "Loaded model files; always 1.",
                &["model", "version", "architecture", "sha256"],
            ),
            model_ready: int_gauge(
                r,
                "mien_model_ready",
                "1 for a loaded version, 0 for one that failed to load or was unloaded.",
                &["model", "version"],
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
            registry,
        }
    }

    /// Creates the series of a route with the value 0; `status` is that of its success.
    pub fn init_route(&self, method: &str, route: &str, status: u16) {
        self.http_requests
            .with_label_values(&[method, route, &status.to_string()]);
        self.http_duration.with_label_values(&[route]);
    }

    /// Counts a response. `method` and `route` must come from closed sets.
    pub fn http_request(&self, method: &str, route: &str, status: u16, took: Duration) {
        self.http_requests
            .with_label_values(&[method, route, &status.to_string()])
            .inc();
        self.http_duration
            .with_label_values(&[route])
            .observe(took.as_secs_f64());
    }

    /// Creates the series of a gRPC call with the value 0; `code` is that of its success.
    pub fn init_grpc(&self, method: &str, code: &str) {
        self.grpc_requests.with_label_values(&[method, code]);
    }

    /// Counts a gRPC response. `method` and `code` must come from closed sets.
    pub fn grpc_request(&self, method: &str, code: &str) {
        self.grpc_requests.with_label_values(&[method, code]).inc();
    }

    /// Returns the metrics of one model, which all its versions share. This creates their series with the value 0.
    pub fn model(&self, model: &str, labels: &Labels) -> ModelMetrics {
        ModelMetrics::new(self, model, labels)
    }

    /// Records that a version is loaded.
    pub fn model_serves(&self, model: &str, version: &str, architecture: &str, sha256: &str) {
        self.model_info
            .with_label_values(&[model, version, architecture, sha256])
            .set(1);
        self.model_ready.with_label_values(&[model, version]).set(1);
    }

    /// Records that a version failed to load.
    pub fn model_refused(&self, model: &str, version: &str) {
        self.model_ready.with_label_values(&[model, version]).set(0);
    }

    /// Records that a version was unloaded and removes the series of its file.
    pub fn model_stops(&self, model: &str, version: &str, architecture: &str, sha256: &str) {
        // An error means that the series does not exist.
        let _ = self
            .model_info
            .remove_label_values(&[model, version, architecture, sha256]);
        self.model_ready.with_label_values(&[model, version]).set(0);
    }

    /// Removes the series of a version that was deleted from disk.
    pub fn model_gone(&self, model: &str, version: &str) {
        let _ = self.model_ready.remove_label_values(&[model, version]);
    }

    /// Creates the series of loads and promotions of a model with the value 0.
    pub fn init_model(&self, model: &str) {
        for outcome in LOAD_OUTCOMES {
            self.model_loads.with_label_values(&[model, outcome]);
        }
        for outcome in PROMOTION_OUTCOMES {
            self.promotions.with_label_values(&[model, outcome]);
        }
    }

    /// Counts a load of a version of a model.
    pub fn model_load(&self, model: &str, succeeded: bool) {
        let [ok, failed] = LOAD_OUTCOMES;
        self.model_loads
            .with_label_values(&[model, if succeeded { ok } else { failed }])
            .inc();
    }

    /// Counts an ended promotion. `outcome` must come from a closed set.
    pub fn promotion(&self, model: &str, outcome: &str) {
        self.promotions.with_label_values(&[model, outcome]).inc();
    }

    /// Records the accuracy of an evaluation, 0 to 1.
    pub fn evaluation(
        &self,
        model: &str,
        version: &str,
        dataset: &str,
        split: &str,
        accuracy: f64,
    ) {
        self.evaluation_accuracy
            .with_label_values(&[model, version, dataset, split])
            .set(accuracy);
    }

    /// Returns all metrics in the text format.
    ///
    /// # Errors
    /// Returns an error if the encoder fails.
    pub fn render(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}
