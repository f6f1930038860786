//! Retires versions.

use std::{collections::BTreeSet, sync::Arc};

use super::VersionManager;
use crate::models::{
    ModelVersion,
    live::{Phase, VersionState},
    repository::VersionDirs,
};

impl VersionManager {
    /// Retires all versions of a model except `keep` in one change, and removes those that are not in `dirs`.
    pub(in crate::models::lifecycle) fn retire(
        &mut self,
        name: &str,
        dirs: &VersionDirs,
        keep: &BTreeSet<ModelVersion>,
    ) {
        let mut next = self.states(name);
        let retired: Vec<ModelVersion> = next
            .keys()
            .copied()
            .filter(|version| !keep.contains(version))
            .collect();
        for version in retired {
            if let Some(state) = next.get_mut(&version) {
                if let Some(model) = state.live().cloned() {
                    self.record_unloaded(&model);
                    *state = VersionState::Retired(Arc::downgrade(&model));
                } else if state.phase() == Phase::Loading {
                    *state = VersionState::Unloaded;
                }
            }
            if !dirs.contains_key(&version) {
                next.remove(&version);
                self.attempted.remove(&(name.to_owned(), version));
                self.loader
                    .metrics
                    .remove_version(name, &version.to_string());
            }
        }
        for version in dirs.keys() {
            next.entry(*version).or_insert(VersionState::Unloaded);
        }
        self.update(|snapshot| {
            if next.is_empty() {
                snapshot.models.remove(name);
            } else {
                snapshot.models.insert(name.to_owned(), next);
            }
        });
    }

    /// Retires the live versions of a model except `keep` in one change.
    pub(in crate::models::lifecycle) fn retire_live(
        &self,
        name: &str,
        keep: &BTreeSet<ModelVersion>,
    ) {
        let mut next = self.states(name);
        for (version, state) in &mut next {
            if let Some(model) = state.live().filter(|_| !keep.contains(version)).cloned() {
                self.record_unloaded(&model);
                *state = VersionState::Retired(Arc::downgrade(&model));
            }
        }
        self.update(|snapshot| drop(snapshot.models.insert(name.to_owned(), next)));
    }
}
