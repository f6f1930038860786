//! Loads versions. Records their outcomes and durations.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use super::VersionManager;
use crate::{
    inference::InferenceError,
    models::{ModelVersion, live::LiveModel, load::ModelLoader, repository::VersionDir},
};

impl VersionManager {
    /// Loads a version with its engine for the caller alone. Its workers end when the last `Arc` is dropped.
    pub(in crate::models::lifecycle) fn load_detached(
        &mut self,
        name: &str,
        version: ModelVersion,
        dir: &VersionDir,
    ) -> Result<Arc<LiveModel>, InferenceError> {
        self.record_load(name, |loader| loader.load_with_engine(name, version, dir))
    }

    /// Runs a load. Records its outcome and its duration, unless it is cancelled because the server stops.
    pub(super) fn record_load<T>(
        &mut self,
        name: &str,
        load: impl FnOnce(&ModelLoader) -> Result<T, InferenceError>,
    ) -> Result<T, InferenceError> {
        let started = Instant::now();
        let loaded = catch_unwind(AssertUnwindSafe(|| load(&self.loader)));
        let loaded = loaded.unwrap_or_else(|_| loading_panicked());
        self.restart_idle_time();
        if loaded.is_ok() || !self.loader.runtime.is_stopping() {
            let metrics = &self.loader.metrics;
            metrics.record_model_load(name, loaded.is_ok(), started.elapsed());
        }
        loaded
    }
}

/// Returns the error of a load that panicked.
fn loading_panicked<T>() -> Result<T, InferenceError> {
    let reason = "loading the model panicked".to_owned();
    Err(InferenceError::Runtime(reason))
}
