//! The metrics of the lifecycle of models: loads, engines, evaluations and promotions.

use std::time::Duration;

use mien_host::sync::lock;

use super::{Metrics, ModelInfo, model};
use crate::inference::runtime::openvino::OpenVinoError;

/// Outcomes of a load.
const LOAD_OUTCOMES: [&str; 2] = ["ok", "failed"];
/// Outcomes of a promotion.
const PROMOTION_OUTCOMES: [&str; 4] = ["promoted", "rejected", "failed", "cancelled"];

impl Metrics {
    /// Records that a version is loaded.
    pub fn record_model_loaded(&self, info: ModelInfo<'_>) {
        self.version
            .model_info
            .with_label_values(&info.labels())
            .set(1);
        self.version
            .model_ready
            .with_label_values(&[info.model, info.version])
            .set(1);
    }

    /// Records that a version failed to load.
    pub fn record_model_failed(&self, model: &str, version: &str) {
        self.version
            .model_ready
            .with_label_values(&[model, version])
            .set(0);
    }

    /// Records that a version was unloaded and removes the series of its file.
    pub fn record_model_unloaded(&self, info: ModelInfo<'_>) {
        // An error means that the series does not exist.
        let _ = self.version.model_info.remove_label_values(&info.labels());
        self.version
            .model_ready
            .with_label_values(&[info.model, info.version])
            .set(0);
    }

    /// Removes the series of a version that was deleted from disk.
    pub fn remove_version(&self, model: &str, version: &str) {
        let _ = self
            .version
            .model_ready
            .remove_label_values(&[model, version]);
        let key = (model.to_owned(), version.to_owned());
        if let Some(labels) = lock(&self.labels).remove(&key) {
            model::remove(&self.batch, model, version, &labels);
        }
    }

    /// Creates the series of loads and promotions of a model with the value 0.
    pub fn init_model(&self, model: &str) {
        for outcome in LOAD_OUTCOMES {
            self.version
                .model_loads
                .with_label_values(&[model, outcome]);
        }
        self.version.model_load_duration.with_label_values(&[model]);
        for outcome in PROMOTION_OUTCOMES {
            self.version.promotions.with_label_values(&[model, outcome]);
        }
        for reason in OpenVinoError::REASONS {
            self.version
                .engine_fallbacks
                .with_label_values(&[model, reason]);
        }
    }

    /// Records a load of a version of a model that took this time.
    pub fn record_model_load(&self, model: &str, succeeded: bool, took: Duration) {
        let [ok, failed] = LOAD_OUTCOMES;
        if succeeded {
            self.version
                .model_load_duration
                .with_label_values(&[model])
                .observe(took.as_secs_f64());
        }
        self.version
            .model_loads
            .with_label_values(&[model, if succeeded { ok } else { failed }])
            .inc();
    }

    /// Counts that a model uses the default provider instead of another engine. `reason` must come from a closed set.
    pub fn count_engine_fallback(&self, model: &str, reason: &str) {
        self.version
            .engine_fallbacks
            .with_label_values(&[model, reason])
            .inc();
    }

    /// Counts an ended promotion. `outcome` must come from a closed set.
    pub fn count_promotion(&self, model: &str, outcome: &str) {
        self.version
            .promotions
            .with_label_values(&[model, outcome])
            .inc();
    }

    /// Records the accuracy of an evaluation, 0 to 1.
    pub fn record_accuracy(
        &self,
        model: &str,
        version: &str,
        dataset: &str,
        split: &str,
        accuracy: f64,
    ) {
        self.version
            .evaluation_accuracy
            .with_label_values(&[model, version, dataset, split])
            .set(accuracy);
    }
}
