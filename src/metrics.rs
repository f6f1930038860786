//! The metrics of the server in one registry, in base units.
//!
//! Label values come from closed sets: models and versions of the repository, route patterns and known methods. Clients cannot
//! create time series. The series of a version end when it is deleted from disk.

mod counted;
mod detector;
mod drift;
mod exemplars;
mod families;
mod info;
mod key_limits;
mod keys;
mod live;
mod model;
mod open_metrics;
mod register;
mod reloads;
mod shadow;
mod spans;
mod statistics;
mod transport;
mod versions;

use std::{collections::BTreeMap, fmt, sync::Mutex};

use mien_host::sync::lock;

use prometheus::{Histogram, Registry, TextEncoder, proto::LabelPair};

use self::{
    families::{BatchFamilies, VersionFamilies, register_faces, register_process},
    transport::TransportFamilies,
};

pub use counted::Counted;
pub use detector::DetectorMetrics;
pub use drift::{DriftFamilies, VersionDrift};
pub use info::ModelInfo;
pub use key_limits::KeyUsage;
pub use keys::{KeyFamilies, KeyMetrics, KeyOutcome};
pub use live::{LiveMetrics, LiveOutcome};
pub use model::{ModelMetrics, Outcome};
pub use reloads::{ReloadMetrics, ReloadedFile};
pub use shadow::{ShadowFamilies, ShadowMetrics, ShadowOutcome};
pub use spans::{SpanFamilies, SpanMetrics};
pub use statistics::{Statistics, Total, Totals};

use crate::inference::Labels;

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
    /// Shadows.
    pub shadow: ShadowFamilies,
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
            shadow: ShadowFamilies::register(&registry),
            keys: KeyFamilies::register(&registry),
            reloads: ReloadMetrics::register(&registry),
            spans: SpanFamilies::register(&registry),
            labels: Mutex::default(),
            registry,
        }
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

    /// Returns all metrics in the Prometheus text format 0.0.4.
    ///
    /// # Errors
    /// Returns an error if the encoder fails.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }

    /// Returns all metrics in the text format OpenMetrics 1.0, with exemplars of request durations.
    ///
    /// # Errors
    /// Returns an error if the encoder fails.
    pub fn render_open_metrics(&self) -> Result<String, fmt::Error> {
        let exemplars =
            |family: &str, labels: &[LabelPair]| self.transport.exemplars(family, labels);
        open_metrics::encode(&self.registry.gather(), exemplars)
    }
}
