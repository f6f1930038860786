//! Which version of a model answers requests that name none, whatever is newer.

use std::{collections::BTreeSet, sync::Arc};

use super::{ChangeError, PromoteError, thread::LifecycleThread};
use crate::models::{
    live::{LiveModel, VersionState, Versions},
    policy::loading_order,
    registry::ModelView,
};

/// Writes down the version that a model is pinned to from now on, or that it is pinned no more, before that comes true; or
/// says why that cannot be done, for clients. It may take as long as a disk does.
pub type PersistPin = Box<dyn FnOnce(Option<u64>) -> Result<(), String> + Send>;

impl LifecycleThread {
    /// Pins a model to the version that answers requests that name none.
    pub(in crate::models) fn pin_serving(
        &self,
        name: &str,
        commit: PersistPin,
    ) -> Result<ModelView, PromoteError> {
        let name = self.current.load().real_name(name).to_owned();
        self.view(&name)?;
        let serving = self.serving(&name)?;
        self.pin_to(&name, Some(serving.version), commit)?;
        self.retire_unwanted(&name);
        Ok(self.view(&name)?)
    }

    /// Gives a model back to its version policy, which may load other versions. Where one fails what serves goes on.
    pub(in crate::models) fn unpin(
        &mut self,
        name: &str,
        commit: PersistPin,
    ) -> Result<ModelView, PromoteError> {
        let name = self.current.load().real_name(name).to_owned();
        if self.guests.contains_key(&name) {
            return Err(PromoteError::InProgress(name));
        }
        self.pin_to(&name, None, commit)?;
        self.view(&name)?;
        if !self.held.contains(&name) {
            let folders = self.folders(&name)?;
            // What failed is told by the view.
            self.reconcile(&name, &folders, false);
        }
        Ok(self.view(&name)?)
    }

    /// Moves the pin of a model, once that is written down.
    pub(super) fn pin_to(
        &self,
        name: &str,
        pin: Option<u64>,
        commit: PersistPin,
    ) -> Result<(), ChangeError> {
        commit(pin).map_err(ChangeError::Failed)?;
        self.change(|next| match pin {
            Some(version) => drop(next.pins.insert(name.to_owned(), version)),
            None => drop(next.pins.remove(name)),
        });
        tracing::info!(
            model = name,
            version = pin,
            "{}",
            pin.map_or("pin released", |_| "pinned")
        );
        Ok(())
    }

    /// Takes the versions out of service that neither the policy nor a pin nor a promotion wants any more; but never all.
    pub(super) fn retire_unwanted(&self, name: &str) {
        let (pin, mut kept) = (self.pin(name), BTreeSet::new());
        let mut next: Versions = self
            .current
            .load()
            .models
            .get(name)
            .cloned()
            .unwrap_or_default();
        for (version, state) in loading_order(&next, pin) {
            if state.live().is_some() && self.wants(name, version, &kept, pin) {
                kept.insert(version);
            }
        }
        if kept.is_empty() {
            return;
        }
        for (version, state) in &mut next {
            if let Some(model) = state.live().filter(|_| !kept.contains(version)).cloned() {
                self.note_retired(&model);
                *state = VersionState::Retired(Arc::downgrade(&model));
            }
        }
        self.change(|snapshot| drop(snapshot.models.insert(name.to_owned(), next)));
    }

    /// Whether a version is wanted where those of `serving` serve: by the policy, a pin, or a promotion.
    pub(super) fn wants(
        &self,
        name: &str,
        version: u64,
        serving: &BTreeSet<u64>,
        pin: Option<u64>,
    ) -> bool {
        self.guests.get(name) == Some(&version)
            || self.options.policies.wants(name, version, serving, pin)
    }

    /// The version that a model is pinned to.
    pub(super) fn pin(&self, name: &str) -> Option<u64> {
        self.current.load().pins.get(name).copied()
    }

    /// The version that answers requests that name none.
    pub(super) fn serving(&self, name: &str) -> Result<Arc<LiveModel>, PromoteError> {
        let serving = self.current.load().serving(name).cloned();
        serving.ok_or_else(|| PromoteError::NotServing(name.to_owned()))
    }
}
