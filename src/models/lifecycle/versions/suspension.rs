//! Takes versions out of service whose inferences exceed their time limit repeatedly.

use std::sync::{Arc, Weak};

use super::VersionManager;
use crate::models::live::{LiveModel, VersionState};

/// Is called when a version is out of service, with the reason.
pub(in crate::models::lifecycle) type SuspensionHandler =
    Arc<dyn Fn(Weak<LiveModel>, String) + Send + Sync>;

impl VersionManager {
    /// Calls the handler when a loaded version is out of service. The call comes from a worker of the version.
    pub(super) fn watch(&self, model: &Arc<LiveModel>) {
        let (suspended, weak) = (Arc::clone(&self.suspended), Arc::downgrade(model));
        model
            .batcher
            .on_suspension(move |reason| suspended(weak.clone(), reason.to_owned()));
    }

    /// Marks a version as failed that is out of service, unless it was replaced or retired.
    pub(in crate::models::lifecycle) fn suspend(&self, model: &Weak<LiveModel>, reason: String) {
        let Some(model) = model.upgrade() else { return };
        let LiveModel { name, version, .. } = &*model;
        let is_current = |live: Arc<LiveModel>| Arc::ptr_eq(&live, &model);
        if !self.live(name, *version).is_some_and(is_current) {
            return;
        }
        tracing::error!(
            model = name,
            version = version.get(),
            reason,
            "model is out of service"
        );
        self.record_unloaded(&model);
        self.update(|next| {
            let states = next.models.entry(name.clone()).or_default();
            states.insert(*version, VersionState::Failed(reason));
        });
    }
}
