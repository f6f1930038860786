//! Reconciles the versions of a model in memory with those on disk.

use std::sync::atomic::{AtomicBool, Ordering};

use super::LifecycleThread;
use crate::{
    inference::InferenceError,
    models::{
        ModelVersion,
        lifecycle::{
            reconcile::{Failure, Selection, VersionOps, reconcile},
            versions::VersionManager,
        },
        repository::VersionDirs,
    },
};

impl LifecycleThread {
    /// Loads the selected versions of a model and retires the others. With `reload` all selected versions are loaded,
    /// otherwise only new and changed ones.
    pub(super) fn reconcile(
        &mut self,
        name: &str,
        dirs: &VersionDirs,
        reload: bool,
    ) -> Vec<Failure> {
        let pin = self.pin(name);
        let selection = Selection {
            policies: &self.options.policies,
            model: name,
            candidate: self.candidates.get(name).copied(),
            pin,
        };
        let mut ops = ModelOps {
            versions: &mut self.versions,
            name,
            dirs,
            shutting_down: &self.shutting_down,
        };
        let outcome = reconcile(&mut ops, &selection, dirs, reload);
        if self.is_shutting_down() {
            return outcome.failures;
        }
        if outcome.ignored_pin {
            tracing::warn!(
                model = name,
                version = pin.map(ModelVersion::get),
                "the pinned version cannot be served"
            );
        }
        self.versions.retire(name, dirs, &outcome.keep);
        self.reconciled.insert(name.to_owned(), dirs.clone());
        outcome.failures
    }
}

/// The versions of one model during a reconciliation.
struct ModelOps<'a> {
    versions: &'a mut VersionManager,
    name: &'a str,
    dirs: &'a VersionDirs,
    shutting_down: &'a AtomicBool,
}

impl VersionOps for ModelOps<'_> {
    fn is_up_to_date(&mut self, version: ModelVersion) -> bool {
        let dir = &self.dirs[&version];
        self.versions.is_up_to_date(self.name, version, dir)
    }

    fn load(&mut self, version: ModelVersion) -> Result<(), InferenceError> {
        let dir = &self.dirs[&version];
        self.versions.load(self.name, version, dir)
    }

    fn is_live(&self, version: ModelVersion) -> bool {
        self.versions.live(self.name, version).is_some()
    }

    fn highest_live(&self) -> Option<ModelVersion> {
        self.versions.snapshot().highest_live(self.name)
    }

    fn is_shutting_down(&self) -> bool {
        self.shutting_down.load(Ordering::Relaxed)
    }
}
