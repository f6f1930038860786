//! Tuning of loaded versions: measures them while the server is idle, and corrects their curves by live inference calls.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use super::LifecycleThread;
use crate::{
    models::{lifecycle::MAX_QUEUED, live::LiveModel, snapshot::Snapshot},
    tuning::{Tunable, space::Space, stop_condition::StopCondition},
};

impl LifecycleThread {
    /// Corrects the curve of a version that live calls contradict, or measures a version if the server is idle. Then gives the
    /// version the configuration that fits the new curve.
    pub(super) fn tune_if_idle(&mut self) {
        self.versions.loader().tuner.sample_load();
        let models = default_first(&self.versions.snapshot());
        let loader = self.versions.loader();
        if let Some(model) = models.iter().find(|model| loader.refine(model)) {
            self.versions.reconfigure(model);
            self.versions.restart_idle_time();
            return;
        }
        let idle = self.idle(&models).min(self.versions.idle_time());
        let due = models
            .iter()
            .find(|model| loader.is_measurement_due(model, idle));
        let is_machine_busy = !loader.tuner.is_machine_quiet();
        let priority = loader.runtime.load_priority();
        let _suspended = is_machine_busy.then(|| priority.suspend_background());
        let mut tunables = self.tunables.iter();
        let tunable = tunables.find(|model| loader.tuner.is_due(&model.target(), idle));
        match (due, tunable) {
            (Some(model), _) => {
                if self.measure(model, &models) {
                    self.versions.reconfigure(model);
                }
            }
            (None, Some(model)) => self.tune(model.as_ref(), &models),
            (None, None) => self.compare_engines(&models, idle),
        }
    }

    /// Adds a model that is not in the models directory. It gets the configuration of a stored curve.
    pub(super) fn add_tunable(&mut self, model: Arc<dyn Tunable>) {
        let tuning = self.versions.loader().tuner.select(&model.target());
        model.reconfigure(tuning.configuration);
        self.tunables.push(model);
    }

    /// Measures a model that is not in the models directory, and gives it the configuration that fits the new curve.
    fn tune(&self, model: &dyn Tunable, models: &[Arc<LiveModel>]) {
        let tuner = &self.versions.loader().tuner;
        let run = |space: &Space, stop: StopCondition<'_>| model.sweep(space, stop);
        if tuner.measure(&model.target(), &self.interruption(models), run) {
            model.reconfigure(tuner.select(&model.target()).configuration);
        }
    }

    /// Compares the engines of at most one version if the server is idle. Requested and stored engines were selected after the load.
    fn compare_engines(&self, models: &[Arc<LiveModel>], idle: Duration) {
        let loader = self.versions.loader();
        if !loader.tuner.measures(idle) {
            return;
        }
        let due = models
            .iter()
            .find(|model| loader.is_engine_due(model, true));
        if let Some(model) = due {
            self.select_engine(model, &self.interruption(models));
        }
    }

    /// Measures a version until a request or a command arrives. Returns whether a new curve is known.
    fn measure(&self, model: &LiveModel, models: &[Arc<LiveModel>]) -> bool {
        let interrupted = self.interruption(models);
        self.versions.loader().measure(model, &interrupted)
    }

    /// Returns a function that returns whether a request or a command has arrived since this call.
    fn interruption<'a>(&'a self, models: &'a [Arc<LiveModel>]) -> impl Fn() -> bool + Sync + 'a {
        let begin = Instant::now();
        move || {
            self.shutting_down.load(Ordering::Relaxed)
                || self.queue.available_permits() < MAX_QUEUED
                || self.idle(models) < begin.elapsed()
        }
    }

    /// Returns the time since the last image of these versions and of the other tuned models arrived; zero while images are queued.
    fn idle(&self, models: &[Arc<LiveModel>]) -> Duration {
        let versions = models.iter().map(|model| model.batcher.idle());
        let others = self.tunables.iter().map(|model| model.idle());
        versions.chain(others).min().unwrap_or(Duration::MAX)
    }
}

/// Returns the loaded versions, those of the default model first.
fn default_first(snapshot: &Snapshot) -> Vec<Arc<LiveModel>> {
    let default = snapshot.default.as_ref();
    let default = default.map(|default| snapshot.real_name(&default.name));
    let mut models: Vec<_> = snapshot.live().cloned().collect();
    models.sort_by_key(|model| Some(model.name.as_str()) != default);
    models
}
