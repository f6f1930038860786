//! The metrics of the server in one registry, in base units.
//!
//! Label values come from closed sets: models and versions of the repository, route patterns and known methods. Clients cannot
//! create time series. The series of a version end when it is deleted from disk.

mod counted;
mod detector;
mod drift;
mod families;
mod info;
mod keys;
mod live;
mod model;
mod register;
mod reloads;
mod spans;
mod statistics;
mod versions;

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use mien_host::sync::lock;

use prometheus::{Encoder, Histogram, Registry, TextEncoder};

use self::families::{
    BatchFamilies, TransportFamilies, VersionFamilies, register_faces, register_process,
};

pub use counted::Counted;
pub use detector::DetectorMetrics;
pub use drift::{DriftFamilies, VersionDrift};
pub use info::ModelInfo;
pub use keys::{KeyFamilies, KeyMetrics, KeyOutcome};
pub use live::{LiveMetrics, LiveOutcome};
pub use model::{ModelMetrics, Outcome};
pub use reloads::{ReloadMetrics, ReloadedFile};
pub use spans::{SpanFamilies, SpanMetrics};
pub use statistics::{Statistics, Total, Totals};

use crate::inference::Labels;

/// Classes of HTTP statuses; 499 is the status of clients that disconnected.
const STATUS_CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

/// The metrics of the server.
pub struct Metrics {
    registry: Registry,
    transport: TransportFamilies,
    batch: BatchFamilies,
    faces: Histogram,
    version: VersionFamilies,
    /// Live connections and their frames.
    pub live: LiveMetrics,
    /// Drift of the images of clients.
    pub drift: DriftFamilies,
    /// API keys and requests without valid credentials.
    pub keys: KeyFamilies,
    /// Files that are read again when they change.
    pub reloads: ReloadMetrics,
    /// Spans of traces.
    pub spans: SpanFamilies,
    /// The labels of each loaded version, which name its series.
    labels: Mutex<BTreeMap<(String, String), Labels>>,
}

impl Metrics {
    /// Creates and registers all metrics.
    #[expect(
        clippy::new_without_default,
        reason = "a second registry must not be created by accident"
    )]
    pub fn new() -> Self {
        let registry = Registry::new();
        register_process(&registry);
        Self {
            transport: TransportFamilies::register(&registry),
            batch: BatchFamilies::register(&registry),
            faces: register_faces(&registry),
            version: VersionFamilies::register(&registry),
            live: LiveMetrics::register(&registry),
            drift: DriftFamilies::register(&registry),
            keys: KeyFamilies::register(&registry),
            reloads: ReloadMetrics::register(&registry),
            spans: SpanFamilies::register(&registry),
            labels: Mutex::default(),
            registry,
        }
    }

    /// Creates the series of a route with the value 0; `status` is that of its success.
    pub fn init_route(&self, method: &str, route: &str, status: u16) {
        self.transport
            .http_requests
            .with_label_values(&[method, route, &status.to_string()]);
        for class in STATUS_CLASSES {
            // Few routes redirect, so the series of 3xx are created by the first response.
            if class != "3xx" {
                self.transport
                    .http_duration
                    .with_label_values(&[route, class]);
            }
        }
    }

    /// Counts a response. `method` and `route` must come from closed sets.
    pub fn record_http_request(&self, method: &str, route: &str, status: u16, took: Duration) {
        self.transport
            .http_requests
            .with_label_values(&[method, route, &status.to_string()])
            .inc();
        self.transport
            .http_duration
            .with_label_values(&[route, status_class(status)])
            .observe(took.as_secs_f64());
    }

    /// Creates the series of a gRPC call with the value 0; `code` is that of its success.
    pub fn init_grpc(&self, method: &str, code: &str) {
        let of = [method, code];
        self.transport.grpc_requests.with_label_values(&of);
        self.transport.grpc_duration.with_label_values(&of);
    }

    /// Counts a gRPC response. `method` and `code` must come from closed sets.
    pub fn record_grpc_request(&self, method: &str, code: &str, took: Duration) {
        let of = [method, code];
        self.transport.grpc_requests.with_label_values(&of).inc();
        self.transport
            .grpc_duration
            .with_label_values(&of)
            .observe(took.as_secs_f64());
    }

    /// Returns the metrics of a version of a model. This creates its series with the value 0.
    pub fn model(&self, model: &str, version: &str, labels: &Labels) -> ModelMetrics {
        let key = (model.to_owned(), version.to_owned());
        lock(&self.labels).insert(key, labels.clone());
        ModelMetrics::new(&self.batch, model, version, labels.names())
    }

    /// Returns the metrics of the face detector. This creates its series with the value 0.
    pub fn detector(&self, name: &str, version: &str) -> DetectorMetrics {
        DetectorMetrics {
            model: ModelMetrics::new(&self.batch, name, version, &[]),
            faces: self.faces.clone(),
        }
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

/// Returns the class of an HTTP status.
fn status_class(status: u16) -> &'static str {
    let [success, redirection, client_error, server_error] = STATUS_CLASSES;
    match status {
        ..300 => success,
        300..400 => redirection,
        400..500 => client_error,
        500.. => server_error,
    }
}
