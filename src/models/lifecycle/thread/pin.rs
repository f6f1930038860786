//! Pins: the version that serves requests without a version, even if newer ones are loaded.

use std::sync::Arc;

use super::LifecycleThread;
use crate::models::{
    ModelVersion,
    lifecycle::{LifecycleError, PersistPinError, PromoteError},
    live::LiveModel,
    snapshot::ModelView,
};

/// Stores the new pin of a model, or `None` if the pin is removed, before the pin takes effect. The callback may block on
/// the disk.
pub type PersistPin = Box<dyn FnOnce(Option<ModelVersion>) -> Result<(), PersistPinError> + Send>;

impl LifecycleThread {
    /// Pins a model to its serving version.
    pub(in crate::models) fn pin_serving(
        &self,
        name: &str,
        persist: PersistPin,
    ) -> Result<ModelView, PromoteError> {
        let name = self.versions.snapshot().real_name(name).to_owned();
        self.view(&name)?;
        let serving = self.serving(&name)?;
        self.set_pin(&name, Some(serving.version), persist)?;
        self.retire_unselected(&name);
        Ok(self.view(&name)?)
    }

    /// Removes the pin of a model, so that its version policy may select other versions. Failures of these versions are part
    /// of the returned view.
    pub(in crate::models) fn unpin(
        &mut self,
        name: &str,
        persist: PersistPin,
    ) -> Result<ModelView, PromoteError> {
        let name = self.versions.snapshot().real_name(name).to_owned();
        if self.candidates.contains_key(&name) {
            return Err(PromoteError::InProgress(name));
        }
        self.set_pin(&name, None, persist)?;
        self.view(&name)?;
        if !self.manually_unloaded.contains(&name) {
            let dirs = self.version_dirs(&name)?;
            self.reconcile(&name, &dirs, false);
        }
        Ok(self.view(&name)?)
    }

    /// Stores the pin of a model and then changes it.
    pub(super) fn set_pin(
        &self,
        name: &str,
        pin: Option<ModelVersion>,
        persist: PersistPin,
    ) -> Result<(), LifecycleError> {
        persist(pin)?;
        self.versions.update(|next| match pin {
            Some(version) => drop(next.pins.insert(name.to_owned(), version)),
            None => drop(next.pins.remove(name)),
        });
        match pin {
            Some(version) => {
                tracing::info!(model = name, version = version.get(), "model pinned");
            }
            None => tracing::info!(model = name, "model unpinned"),
        }
        Ok(())
    }

    /// Retires the versions that neither the policy nor a pin nor a promotion selects, unless that would be all.
    pub(super) fn retire_unselected(&self, name: &str) {
        let states = self.versions.states(name);
        let keep = self
            .selection(name)
            .keep(&states, |state| state.live().is_some());
        if !keep.is_empty() {
            self.versions.retire_live(name, &keep);
        }
    }

    /// Returns the version that serves requests without a version.
    pub(super) fn serving(&self, name: &str) -> Result<Arc<LiveModel>, PromoteError> {
        let serving = self.versions.snapshot().serving(name).cloned();
        serving.ok_or_else(|| PromoteError::NotServing(name.to_owned()))
    }
}
