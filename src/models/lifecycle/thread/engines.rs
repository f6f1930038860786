//! Engines of loaded versions: requested engines are tried after the load, others are compared while the server is idle.

use std::sync::{Arc, atomic::Ordering};

use super::LifecycleThread;
use crate::{models::live::LiveModel, tuning::stop_condition::StopCondition};

impl LifecycleThread {
    /// Selects the engines that the settings request, and loads versions again whose engine changes.
    pub(super) fn select_requested_engines(&self) {
        let models: Vec<_> = self.versions.snapshot().live().cloned().collect();
        for model in models {
            if self.is_shutting_down() {
                return;
            }
            if self.versions.loader().is_engine_due(&model, false) {
                self.select_engine(&model, &|| false);
            }
        }
    }

    /// Selects the engine of a version and loads the version again if its engine changes. A measurement ends when `interrupted`
    /// returns true.
    pub(super) fn select_engine(
        &self,
        model: &Arc<LiveModel>,
        interrupted: &(dyn Fn() -> bool + Sync),
    ) {
        let interrupted = || self.shutting_down.load(Ordering::Relaxed) || interrupted();
        let loader = self.versions.loader();
        let stop = StopCondition::within(loader.tuner.budget(), &interrupted);
        if loader.select_engine(model, stop) {
            self.versions.reconfigure(model);
        }
    }
}
