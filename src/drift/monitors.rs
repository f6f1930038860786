//! The monitors of all versions.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::{Arc, Mutex},
};

use mien_host::sync::lock;

use super::{feature::Feature, monitor::Monitor, profile::Profile, reference::Reference};
use crate::{
    metrics::Metrics,
    model_version::ModelVersion,
    store::{EvaluationRecord, Store},
    timestamp::Timestamp,
};

/// The monitors of all versions, and the stored references.
pub struct Monitors {
    store: Store,
    metrics: Arc<Metrics>,
    /// Number of faces per window.
    window_size: NonZeroUsize,
    monitors: Mutex<BTreeMap<(String, ModelVersion), Arc<Monitor>>>,
}

impl Monitors {
    /// Creates an empty list.
    pub fn new(store: Store, metrics: Arc<Metrics>, window_size: NonZeroUsize) -> Self {
        Self {
            store,
            metrics,
            window_size,
            monitors: Mutex::default(),
        }
    }

    /// Returns the monitor of a version that has just been loaded. A version that is loaded again from the same file keeps its monitor.
    /// Blocks on the disk.
    pub fn monitor(&self, model: &str, version: ModelVersion, sha256: &str) -> Arc<Monitor> {
        let key = (model.to_owned(), version);
        if let Some(monitor) = self.find(&key, sha256) {
            return monitor;
        }
        let metrics = self.metrics.drift.version(
            model,
            &version.to_string(),
            Feature::ALL.map(Feature::name).to_vec(),
        );
        let monitor = Monitor::new(model, version, sha256, self.window_size.get(), metrics);
        let monitor = Arc::new(monitor);
        let replaced = lock(&self.monitors).insert(key, Arc::clone(&monitor));
        if let Some(replaced) = replaced {
            replaced.close();
        }
        monitor.start(self.stored(model, version, sha256));
        monitor
    }

    /// Compares the traffic of the evaluated version with this profile, unless its file was replaced meanwhile.
    pub fn set_reference(&self, record: &EvaluationRecord, finished: Timestamp, profile: Profile) {
        let key = (record.model.clone(), record.version);
        if let Some(monitor) = self.find(&key, &record.sha256) {
            monitor.start(Some(Reference::new(record, finished, profile)));
        }
    }

    /// Ends the comparison of a version that does not serve any more.
    pub fn remove(&self, model: &str, version: ModelVersion) {
        let monitor = lock(&self.monitors).remove(&(model.to_owned(), version));
        if let Some(monitor) = monitor {
            monitor.close();
        }
    }

    fn find(&self, key: &(String, ModelVersion), sha256: &str) -> Option<Arc<Monitor>> {
        let monitors = lock(&self.monitors);
        let monitor = monitors.get(key).filter(|monitor| monitor.sha256 == sha256);
        monitor.cloned()
    }

    /// Reads the newest stored reference of a version.
    fn stored(&self, model: &str, version: ModelVersion, sha256: &str) -> Option<Reference> {
        let stored = self.store.newest_profile(model, version, sha256);
        let stored = stored.unwrap_or_else(|error| {
            tracing::error!(model, version = version.get(), %error, "cannot read the reference profile");
            None
        })?;
        let evaluation = stored.evaluation;
        let reference = Reference::of_stored(stored);
        reference
            .inspect_err(|error| {
                tracing::error!(model, version = version.get(), %evaluation, %error, "the reference profile is invalid");
            })
            .ok()
    }
}
