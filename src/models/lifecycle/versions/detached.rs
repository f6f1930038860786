//! Loads versions that are not part of the snapshot.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::{VersionManager, loading_panicked};
use crate::{
    inference::InferenceError,
    models::{ModelVersion, live::LiveModel, repository::VersionDir},
};

impl VersionManager {
    /// Loads a version with its engine for the caller alone. Its workers end when the last `Arc` is dropped.
    pub(in crate::models::lifecycle) fn load_detached(
        &mut self,
        name: &str,
        version: ModelVersion,
        dir: &VersionDir,
    ) -> Result<Arc<LiveModel>, InferenceError> {
        let load = || self.loader.load_with_engine(name, version, dir);
        let loaded = catch_unwind(AssertUnwindSafe(load)).unwrap_or_else(|_| loading_panicked());
        self.restart_idle_time();
        self.loader.metrics.count_model_load(name, loaded.is_ok());
        loaded
    }
}
