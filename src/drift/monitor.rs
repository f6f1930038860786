//! Compares the traffic of one version with its reference.

use std::sync::{Arc, Mutex};

use arc_swap::ArcSwapOption;
use mien_host::sync::lock;

use super::{
    decision::Change,
    feature::{FaceFeatures, Observation},
    reference::Reference,
    report::DriftReport,
    results::{FeatureResult, Results},
    window::Window,
};
use crate::{inference::Prediction, metrics::VersionDrift, model_version::ModelVersion};

/// Compares the traffic of one version with its reference. Threads share it.
pub struct Monitor {
    model: String,
    version: ModelVersion,
    /// SHA-256 of the model, lower-case hex.
    pub(super) sha256: String,
    /// Number of faces per window.
    window_size: usize,
    metrics: VersionDrift,
    /// `None` until the version has a reference.
    active: ArcSwapOption<Active>,
}

/// A reference and the traffic since it was set.
struct Active {
    reference: Reference,
    /// The counts of the current window. Requests hold the lock for some increments per face.
    window: Mutex<Window>,
    results: Mutex<Results>,
}

impl Monitor {
    /// Creates the monitor of a version. It compares faces after [`Self::start`].
    pub(super) fn new(
        model: &str,
        version: ModelVersion,
        sha256: &str,
        window_size: usize,
        metrics: VersionDrift,
    ) -> Self {
        Self {
            model: model.to_owned(),
            version,
            sha256: sha256.to_owned(),
            window_size,
            metrics,
            active: ArcSwapOption::empty(),
        }
    }

    /// Creates the series of the version, and compares the following faces with the reference, if there is one.
    pub(super) fn start(&self, reference: Option<Reference>) {
        let images = reference.as_ref().map(|reference| reference.profile.images);
        self.metrics.init(images.unwrap_or_default());
        let active = reference.map(|reference| Active {
            window: Mutex::new(Window::empty(&reference.profile)),
            results: Mutex::new(Results::empty(&reference.profile)),
            reference,
        });
        self.active.store(active.map(Arc::new));
    }

    /// Ends the comparison and removes the series of the version.
    pub(super) fn close(&self) {
        self.active.store(None);
        self.metrics.remove();
    }

    /// Measures the faces of a request, or returns `None` if the version has no reference.
    pub fn measure(&self, faces: impl Iterator<Item = FaceFeatures>) -> Option<Vec<FaceFeatures>> {
        self.active.load().is_some().then(|| faces.collect())
    }

    /// Counts the faces of a request. A window that is full is compared with the reference.
    pub fn record(&self, faces: &[FaceFeatures], predictions: &[Prediction]) {
        let active = self.active.load();
        let Some(active) = active.as_ref() else {
            return;
        };
        let profile = &active.reference.profile;
        let mut full = Vec::new();
        let mut window = lock(&active.window);
        for (face, prediction) in faces.iter().zip(predictions) {
            window.add(profile, &Observation::new(*face, prediction));
            if window.images >= self.window_size {
                let next = Window::empty(profile);
                full.push(std::mem::replace(&mut *window, next));
            }
        }
        drop(window);
        for window in full {
            self.compare(active, window);
        }
    }

    /// Compares a full window, and records and logs the result.
    fn compare(&self, active: &Active, window: Window) {
        let Reference {
            evaluation,
            profile,
            ..
        } = &active.reference;
        let mut results = lock(&active.results);
        results.add(profile, window);
        self.metrics.count_window();
        for (profile, result) in profile.features.iter().zip(&results.features) {
            let FeatureResult {
                difference,
                decision,
                change,
            } = result;
            let Some(difference) = difference else {
                continue;
            };
            let (feature, psi) = (profile.feature.name(), difference.psi);
            self.metrics.record(feature, psi, decision.is_drifting);
            let Self { model, version, .. } = self;
            let p_value = difference.p_value;
            match change {
                Some(Change::Began) => tracing::warn!(
                    model, version = version.get(), feature, psi, p_value, %evaluation, "drift began"
                ),
                Some(Change::Ended) => tracing::info!(
                    model, version = version.get(), feature, psi, p_value, %evaluation, "drift ended"
                ),
                None => {}
            }
        }
    }

    /// Returns the state for clients. `labels` are the labels of the version.
    pub fn report(&self, labels: &[String]) -> DriftReport {
        let active = self.active.load();
        let Some(active) = active.as_ref() else {
            return DriftReport::without_reference(self.window_size);
        };
        let images = lock(&active.window).images;
        let results = lock(&active.results).clone();
        let window = (images, self.window_size);
        DriftReport::new(&active.reference, &results, window, labels)
    }
}
