//! Loads versions that are not part of the snapshot.

use std::sync::Arc;

use super::VersionManager;
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
        self.record_load(name, |loader| loader.load_with_engine(name, version, dir))
    }
}
