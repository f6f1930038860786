//! Measures loaded versions and loads them again with another configuration.

use std::{sync::Arc, time::Duration};

use super::{live::LiveModel, load::ModelLoader, source::inspect, version_config::VersionConfig};
use crate::{
    batching::CallStatistics,
    inference::{InferenceError, invalid_model},
    tuning::{
        LiveCalls, Point, TuningTarget, sessions::random_inputs, space::Space,
        stop_condition::StopCondition, sweep,
    },
};

impl ModelLoader {
    /// Returns whether a loaded version should be measured now, if the last request was `idle` ago.
    pub(super) fn is_measurement_due(&self, model: &LiveModel, idle: Duration) -> bool {
        let target = self.target(model);
        target.is_some_and(|target| self.tuner.is_due(&target, idle))
    }

    /// Measures a loaded version with sessions of their own. Returns whether a new curve is known.
    pub(super) fn measure(
        &self,
        model: &LiveModel,
        interrupted: &(dyn Fn() -> bool + Sync),
    ) -> bool {
        let run = |space: &Space, stop: StopCondition<'_>| self.sweep(model, space, stop);
        self.target(model)
            .is_some_and(|target| self.tuner.measure(&target, interrupted, run))
    }

    fn sweep(
        &self,
        model: &LiveModel,
        space: &Space,
        stop: StopCondition<'_>,
    ) -> Result<Vec<Point>, InferenceError> {
        let files = self.files(&model.dir)?;
        let config = VersionConfig::read(&files.path)?;
        let runtime = self.runtime.with_device(model.device);
        let source = inspect(&runtime, &files, config, 1)?.source;
        if source.sha256 != model.sha256 {
            return invalid_model("its files have changed since it was loaded");
        }
        let open = |threads, max_batch| {
            let kind = source.session_kind(model.execution, threads)?;
            source.open_without_warm_up(&kind, max_batch)
        };
        let inputs = |count| random_inputs(source.signature.side, count);
        sweep::measure(space, inputs, stop, &open)
    }

    /// Corrects the curve of a loaded version by its inference calls. Returns whether the curve was corrected.
    pub(super) fn refine(&self, model: &LiveModel) -> bool {
        let Some(target) = self.target(model) else {
            return false;
        };
        let calls = model.batcher.call_statistics().into_iter();
        let live: Vec<LiveCalls> = calls.map(LiveCalls::from).collect();
        let layout = model.tuning.load().configuration.layout;
        self.tuner.refine(&target, layout, &live)
    }

    /// Returns the version with the configuration and the engine that are selected now: the loaded version itself if it has them,
    /// otherwise a new one, which is loaded from the same files.
    ///
    /// # Errors
    /// Returns an error if the version cannot be loaded, or if its files have changed since it was loaded.
    pub(in crate::models) fn reconfigured(
        &self,
        model: &Arc<LiveModel>,
    ) -> Result<Arc<LiveModel>, InferenceError> {
        let Some(target) = self.target(model) else {
            return Ok(Arc::clone(model));
        };
        if self.selected_engine(model) != model.execution {
            return Ok(Arc::new(self.load_again(model)?));
        }
        let tuning = self.tuner.select(&target);
        if tuning.configuration == model.tuning.load().configuration {
            model.tuning.store(Arc::new(tuning));
            return Ok(Arc::clone(model));
        }
        Ok(Arc::new(self.load_again(model)?))
    }

    fn target<'a>(&self, model: &'a LiveModel) -> Option<TuningTarget<'a>> {
        // The options were valid when the version was loaded.
        let given = self.options.overrides(&model.config).ok()?;
        let runtime = self.runtime.with_device(model.device);
        let target = self.tuning_target(
            &model.name,
            &model.sha256,
            &model.signature,
            &runtime,
            model.execution,
            given,
        );
        Some(target)
    }
}

impl From<CallStatistics> for LiveCalls {
    fn from(calls: CallStatistics) -> Self {
        let CallStatistics {
            images,
            calls,
            median,
        } = calls;
        Self {
            batch: images,
            calls,
            median,
        }
    }
}
