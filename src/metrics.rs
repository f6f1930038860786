//! Every metric of the server, in one registry of its own. Base units, histograms that aggregate.
//!
//! Label values come from a closed set: models of the repository, route patterns, known methods. A
//! client cannot make a new time series.

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

/// Seconds: from a cache hit to a request that is given up.
const REQUEST_SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Seconds: an idle worker takes an image in microseconds.
const WAIT_SECONDS: &[f64] = &[
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
    30.0,
];
/// Seconds: one run of a model.
const INFERENCE_SECONDS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 5.0];
/// Images of a batch.
const BATCH_IMAGES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];
/// Probability of the answer: a guess among seven is 0.14.
const CONFIDENCE: &[f64] = &[0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0];

/// What became of a load.
const LOAD_OUTCOMES: [&str; 2] = ["ok", "failed"];
/// What became of a promotion.
const PROMOTION_OUTCOMES: [&str; 4] = ["promoted", "rejected", "failed", "cancelled"];

/// The server's metrics.
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
    /// All metrics, registered, each at zero once its labels are known.
    #[expect(
        clippy::new_without_default,
        reason = "a second registry is never meant to appear by default"
    )]
    pub fn new() -> Self {
        let registry = Registry::new();
        let r = &registry;
        let build = int_gauge(r, "mien_build_info", "The running version; always 1.", &["version"]);
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        #[cfg(target_os = "linux")]
        register(r, prometheus::process_collector::ProcessCollector::for_self());
        Self {
            http_requests: counter(
                r,
                "mien_http_requests_total",
                "HTTP requests answered, by route pattern and status.",
                &["method", "route", "status"],
            ),
            http_duration: histogram(
                r,
                "mien_http_request_duration_seconds",
                "Time from a request's head to its answer.",
                &["route"],
                REQUEST_SECONDS,
            ),
            grpc_requests: counter(
                r,
                "mien_grpc_requests_total",
                "gRPC calls answered, by call and status code.",
                &["method", "code"],
            ),
            queue_wait: histogram(
                r,
                "mien_queue_wait_seconds",
                "Time an image waited for a worker.",
                &["model"],
                WAIT_SECONDS,
            ),
            inference: histogram(
                r,
                "mien_inference_duration_seconds",
                "Time of one run of the model, one observation a batch.",
                &["model"],
                INFERENCE_SECONDS,
            ),
            batch_images: histogram(
                r,
                "mien_batch_images",
                "Images of a batch.",
                &["model"],
                BATCH_IMAGES,
            ),
            queue_images: int_gauge(
                r,
                "mien_queue_images",
                "Images that wait for a worker now.",
                &["model"],
            ),
            images: counter(
                r,
                "mien_images_total",
                "Images received, by what became of them.",
                &["model", "outcome"],
            ),
            worker_panics: counter(
                r,
                "mien_worker_panics_total",
                "Panics while a model ran; each time the worker got a new session.",
                &["model"],
            ),
            predictions: counter(
                r,
                "mien_predictions_total",
                "Answers to clients, by label.",
                &["model", "label"],
            ),
            confidence: histogram(
                r,
                "mien_prediction_confidence",
                "Probability of the label answered to clients.",
                &["model"],
                CONFIDENCE,
            ),
            model_loads: counter(
                r,
                "mien_model_loads_total",
                "Versions loaded or refused, at the start and later.",
                &["model", "outcome"],
            ),
            model_info: int_gauge(
                r,
                "mien_model_info",
                "The model files being served; always 1.",
                &["model", "version", "architecture", "sha256"],
            ),
            model_ready: int_gauge(
                r,
                "mien_model_ready",
                "1 for a version that serves, 0 for one that could not be loaded or was unloaded.",
                &["model", "version"],
            ),
            evaluation_accuracy: gauge(
                r,
                "mien_evaluation_accuracy",
                "Accuracy, 0 to 1, that the last finished evaluation measured.",
                &["model", "version", "dataset", "split"],
            ),
            promotions: counter(
                r,
                "mien_promotions_total",
                "Promotions that have ended, by what became of them.",
                &["model", "outcome"],
            ),
            registry,
        }
    }

    /// Presents a route at zero; `status` is the one that its success has.
    pub fn init_route(&self, method: &str, route: &str, status: u16) {
        self.http_requests.with_label_values(&[method, route, &status.to_string()]);
        self.http_duration.with_label_values(&[route]);
    }

    /// Counts a request that was answered. `method` and `route` must come from a closed set.
    pub fn http_request(&self, method: &str, route: &str, status: u16, took: Duration) {
        self.http_requests.with_label_values(&[method, route, &status.to_string()]).inc();
        self.http_duration.with_label_values(&[route]).observe(took.as_secs_f64());
    }

    /// Presents a gRPC call at zero; `code` is the one that its success has.
    pub fn init_grpc(&self, method: &str, code: &str) {
        self.grpc_requests.with_label_values(&[method, code]);
    }

    /// Counts a gRPC call that was answered. `method` and `code` must come from a closed set.
    pub fn grpc_request(&self, method: &str, code: &str) {
        self.grpc_requests.with_label_values(&[method, code]).inc();
    }

    /// The metrics of one model, all present at zero from here on. Versions of a model share them.
    pub fn model(&self, model: &str, labels: &Labels) -> ModelMetrics {
        ModelMetrics::new(self, model, labels)
    }

    /// Notes that a version serves.
    pub fn model_serves(&self, model: &str, version: &str, architecture: &str, sha256: &str) {
        self.model_info.with_label_values(&[model, version, architecture, sha256]).set(1);
        self.model_ready.with_label_values(&[model, version]).set(1);
    }

    /// Notes that a version does not serve: it could not be loaded.
    pub fn model_refused(&self, model: &str, version: &str) {
        self.model_ready.with_label_values(&[model, version]).set(0);
    }

    /// Notes that a version serves no longer; its file's series goes.
    pub fn model_stops(&self, model: &str, version: &str, architecture: &str, sha256: &str) {
        // An error says that the series is not there, which is what is wanted.
        let _ = self.model_info.remove_label_values(&[model, version, architecture, sha256]);
        self.model_ready.with_label_values(&[model, version]).set(0);
    }

    /// Forgets a version that is no longer on disk.
    pub fn model_gone(&self, model: &str, version: &str) {
        let _ = self.model_ready.remove_label_values(&[model, version]);
    }

    /// Presents the loads and the promotions of a model at zero.
    pub fn init_model(&self, model: &str) {
        for outcome in LOAD_OUTCOMES {
            self.model_loads.with_label_values(&[model, outcome]);
        }
        for outcome in PROMOTION_OUTCOMES {
            self.promotions.with_label_values(&[model, outcome]);
        }
    }

    /// Counts a load of one of a model's versions.
    pub fn model_load(&self, model: &str, succeeded: bool) {
        let [ok, failed] = LOAD_OUTCOMES;
        self.model_loads.with_label_values(&[model, if succeeded { ok } else { failed }]).inc();
    }

    /// Counts a promotion that has ended. `outcome` must come from a closed set.
    pub fn promotion(&self, model: &str, outcome: &str) {
        self.promotions.with_label_values(&[model, outcome]).inc();
    }

    /// Notes the accuracy, 0 to 1, of a finished evaluation.
    pub fn evaluation(
        &self,
        model: &str,
        version: &str,
        dataset: &str,
        split: &str,
        accuracy: f64,
    ) {
        self.evaluation_accuracy.with_label_values(&[model, version, dataset, split]).set(accuracy);
    }

    /// The exposition text of all metrics.
    ///
    /// # Errors
    /// When the encoder fails.
    pub fn render(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}
