//! The metrics of drift.

use prometheus::{GaugeVec, IntCounterVec, IntGaugeVec, Registry};

use super::register::{counter, gauge, int_gauge};

/// The metric families of drift.
#[derive(Clone)]
pub struct DriftFamilies {
    psi: GaugeVec,
    detected: IntGaugeVec,
    windows: IntCounterVec,
    reference_images: IntGaugeVec,
}

/// The metrics of drift of one version. The series of a version that does not serve are removed, so they are looked up per window.
pub struct VersionDrift {
    families: DriftFamilies,
    model: String,
    version: String,
    features: Vec<&'static str>,
}

impl DriftFamilies {
    /// Creates and registers the families.
    pub(super) fn register(r: &Registry) -> Self {
        Self {
            psi: gauge(
                r,
                "mien_drift_psi",
                "Population stability index of a feature in the last window.",
                &["model", "version", "feature"],
            ),
            detected: int_gauge(
                r,
                "mien_drift_detected",
                "1 if the images of clients differ from those of the evaluation in a feature, otherwise 0.",
                &["model", "version", "feature"],
            ),
            windows: counter(
                r,
                "mien_drift_windows_total",
                "Windows of faces that were compared with an evaluation.",
                &["model", "version"],
            ),
            reference_images: int_gauge(
                r,
                "mien_drift_reference_images",
                "Images of the evaluation that faces are compared with, 0 without such an evaluation.",
                &["model", "version"],
            ),
        }
    }

    /// Returns the metrics of a version. The names of the features must come from a closed set.
    pub fn version(&self, model: &str, version: &str, features: Vec<&'static str>) -> VersionDrift {
        VersionDrift {
            families: self.clone(),
            model: model.to_owned(),
            version: version.to_owned(),
            features,
        }
    }
}

impl VersionDrift {
    fn of(&self) -> [&str; 2] {
        [&self.model, &self.version]
    }

    fn of_feature<'a>(&'a self, feature: &'a str) -> [&'a str; 3] {
        [&self.model, &self.version, feature]
    }

    /// Resets the series for a new reference with this number of images. The index has a series after the first window.
    pub fn init(&self, reference_images: u64) {
        for feature in &self.features {
            let of = self.of_feature(feature);
            self.families.detected.with_label_values(&of).set(0);
            // An error means that the series does not exist.
            let _ = self.families.psi.remove_label_values(&of);
        }
        self.families.windows.with_label_values(&self.of());
        let images = i64::try_from(reference_images).unwrap_or(i64::MAX);
        let gauge = self.families.reference_images.with_label_values(&self.of());
        gauge.set(images);
    }

    /// Counts a compared window.
    pub fn count_window(&self) {
        self.families.windows.with_label_values(&self.of()).inc();
    }

    /// Records the result of a window for a feature.
    pub fn record(&self, feature: &str, psi: f64, detected: bool) {
        let of = self.of_feature(feature);
        self.families.psi.with_label_values(&of).set(psi);
        let gauge = self.families.detected.with_label_values(&of);
        gauge.set(i64::from(detected));
    }

    /// Removes all series.
    pub fn remove(&self) {
        for feature in &self.features {
            let of = self.of_feature(feature);
            let _ = self.families.detected.remove_label_values(&of);
            let _ = self.families.psi.remove_label_values(&of);
        }
        let _ = self.families.windows.remove_label_values(&self.of());
        let _ = self
            .families
            .reference_images
            .remove_label_values(&self.of());
    }
}
