//! Selects the versions of a model to load and to keep. Loading itself is behind [`VersionOps`].

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    inference::InferenceError,
    models::{
        ModelVersion,
        policy::{VersionPolicies, loading_order},
    },
};

/// Operations on the versions of one model.
pub(super) trait VersionOps {
    /// Returns whether the last attempt to load a version used the files that are on disk now.
    fn is_up_to_date(&mut self, version: ModelVersion) -> bool;
    /// Loads a version from disk. If that fails, a version that serves under this number continues to serve.
    fn load(&mut self, version: ModelVersion) -> Result<(), InferenceError>;
    /// Returns whether a version serves.
    fn is_live(&self, version: ModelVersion) -> bool;
    /// Returns the highest version that serves.
    fn highest_live(&self) -> Option<ModelVersion>;
    /// Returns whether no further version should be loaded.
    fn is_shutting_down(&self) -> bool;
}

/// The rules that select versions of a model.
#[derive(Clone, Copy)]
pub(super) struct Selection<'a> {
    pub(super) policies: &'a VersionPolicies,
    pub(super) model: &'a str,
    /// The version that is being promoted.
    pub(super) candidate: Option<ModelVersion>,
    /// The version that the model is pinned to.
    pub(super) pin: Option<ModelVersion>,
}

impl Selection<'_> {
    /// Returns whether a version is selected while the versions in `serving` serve.
    fn selects(&self, version: ModelVersion, serving: &BTreeSet<ModelVersion>) -> bool {
        self.candidate == Some(version)
            || self
                .policies
                .selects(self.model, version, serving, self.pin)
    }

    /// Returns which of the live versions are selected.
    pub(super) fn keep<T>(
        &self,
        versions: &BTreeMap<ModelVersion, T>,
        is_live: impl Fn(&T) -> bool,
    ) -> BTreeSet<ModelVersion> {
        let mut keep = BTreeSet::new();
        for (version, state) in loading_order(versions, self.pin) {
            if is_live(state) && self.selects(version, &keep) {
                keep.insert(version);
            }
        }
        keep
    }
}

/// A version that could not be loaded.
#[derive(Debug, PartialEq)]
pub(super) struct Failure {
    pub(super) version: ModelVersion,
    pub(super) error: InferenceError,
}

/// The result of a reconciliation.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Outcome {
    /// The versions that must continue to serve; the others are to be retired.
    pub(super) keep: BTreeSet<ModelVersion>,
    /// The versions that could not be loaded, in the order in which they were tried.
    pub(super) failures: Vec<Failure>,
    /// Whether neither the pinned version nor a lower one can be served, so that the pin was ignored.
    pub(super) ignored_pin: bool,
}

/// Loads the selected versions, the pinned one first and then from the highest down. Each serves as soon as it is loaded.
/// With `reload` the versions that serve are loaded again; otherwise only new and changed versions are loaded. If a version
/// fails, those that served before continue to serve.
pub(super) fn reconcile<T>(
    ops: &mut impl VersionOps,
    selection: &Selection<'_>,
    on_disk: &BTreeMap<ModelVersion, T>,
    reload: bool,
) -> Outcome {
    let mut outcome = Outcome::default();
    let mut is_any_selected = load_selected(ops, selection, on_disk, reload, &mut outcome);
    if let Some(pin) = selection.pin.filter(|_| !ops.is_shutting_down()) {
        let is_newer = |version: &ModelVersion| *version > pin;
        if outcome.keep.iter().all(is_newer) && ops.is_live(pin) {
            // The files of the pinned version were removed, but a newer version must not serve without a promotion.
            outcome.keep.insert(pin);
        } else if outcome.keep.is_empty() {
            outcome.ignored_pin = true;
            let selection = Selection {
                pin: None,
                ..*selection
            };
            is_any_selected |= load_selected(ops, &selection, on_disk, reload, &mut outcome);
        }
    }
    // All versions on disk are invalid. The last live version continues to serve, even if its files were removed.
    if outcome.keep.is_empty() && is_any_selected {
        outcome.keep.extend(ops.highest_live());
    }
    outcome
}

/// Loads the selected versions and returns whether any version was selected.
fn load_selected<T>(
    ops: &mut impl VersionOps,
    selection: &Selection<'_>,
    on_disk: &BTreeMap<ModelVersion, T>,
    reload: bool,
    outcome: &mut Outcome,
) -> bool {
    let mut is_any_selected = false;
    for (version, _) in loading_order(on_disk, selection.pin) {
        if !selection.selects(version, &outcome.keep) {
            continue;
        }
        is_any_selected = true;
        // After a failure, lower versions that serve are not loaded again.
        let reload = reload && outcome.failures.is_empty();
        if reload || !ops.is_up_to_date(version) {
            if ops.is_shutting_down() {
                return is_any_selected;
            }
            if let Err(error) = ops.load(version) {
                outcome.failures.push(Failure { version, error });
            }
        }
        if ops.is_live(version) {
            outcome.keep.insert(version);
        }
    }
    is_any_selected
}

#[cfg(test)]
mod tests;
