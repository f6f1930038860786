//! Replaces versions by the same ones with another configuration.

use std::sync::Arc;

use super::{VersionManager, with_info};
use crate::models::live::{LiveModel, VersionState};

impl VersionManager {
    /// Gives a loaded version the configuration that the tuner selects now. If that fails, the version continues to serve
    /// unchanged.
    pub(in crate::models::lifecycle) fn reconfigure(&self, model: &Arc<LiveModel>) {
        let LiveModel { name, version, .. } = &**model;
        let new = match self.loader.reconfigured(model) {
            Ok(new) if Arc::ptr_eq(&new, model) => return,
            Ok(new) => new,
            Err(error) => {
                tracing::warn!(
                    model = name,
                    version = version.get(),
                    %error,
                    "cannot load the version with the new configuration; it continues with the previous one"
                );
                return;
            }
        };
        let (before, after) = (model.tuning.load(), new.tuning.load());
        tracing::info!(
            model = name,
            version = version.get(),
            before = %before.configuration,
            after = %after.configuration,
            engine_before = %model.execution,
            engine_after = %new.execution,
            "the version has a new configuration"
        );
        self.watch(&new);
        with_info(model, |info| {
            self.loader.metrics.record_model_unloaded(info)
        });
        with_info(&new, |info| self.loader.metrics.record_model_loaded(info));
        self.update(|next| {
            let states = next.models.entry(name.clone()).or_default();
            // Keeps the problem of a replacement that could not be loaded.
            if let Some(VersionState::Ready { model, .. }) = states.get_mut(version) {
                *model = new;
            }
        });
    }
}
