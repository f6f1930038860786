//! Replaces versions by the same ones with another configuration.

use std::sync::Arc;

use super::VersionManager;
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
                    "tuning: cannot load the version with the new configuration; it continues with the previous one"
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
            "tuning: the version has a new configuration"
        );
        self.watch(&new);
        self.update(|next| {
            let states = next.models.entry(name.clone()).or_default();
            // Keeps the problem of a replacement that could not be loaded.
            if let Some(VersionState::Ready { model, .. }) = states.get_mut(version) {
                *model = new;
            }
        });
    }
}
