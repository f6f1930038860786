//! Selects the engine of a loaded version.

use std::{sync::Arc, time::Duration};

use super::{decisions::Decision, has_bf16, stored::Key};
use crate::{
    inference::{
        InferenceError,
        engine::{Execution, ExecutionChoice, Precision},
        runtime::{Device, openvino::OpenVinoError},
    },
    models::{ModelVersion, live::LiveModel, load::ModelLoader, repository::VersionDir},
    tuning::stop_condition::StopCondition,
};

impl ModelLoader {
    /// Returns whether the engine of a version should be selected now: it is not selected yet, and it is requested, stored by an
    /// earlier start, or `measures` is set, which is whether engines may be measured now.
    pub(in crate::models) fn is_engine_due(&self, model: &LiveModel, measures: bool) -> bool {
        let Ok(choice) = self.engines.choice(&model.config) else {
            return false;
        };
        let is_selected = self.engines.decisions.get(&model.sha256, choice).is_some();
        if model.device != Device::Cpu || is_selected {
            return false;
        }
        let can_measure = !choice.openvino_precisions(has_bf16()).is_empty();
        let is_stored = || self.stored_decision(model, choice).is_some();
        choice.is_explicit() || (can_measure && (measures || is_stored()))
    }

    /// Returns the decision of an earlier start, unless measurements are turned off.
    fn stored_decision(&self, model: &LiveModel, choice: ExecutionChoice) -> Option<Decision> {
        let key = Key::new(&model.sha256, choice, &self.runtime);
        let is_on = self.tuner.measures(Duration::MAX);
        is_on.then(|| self.engines.stored.read(&key)).flatten()
    }

    /// Returns the decision of an earlier start, or compares the engines and stores the decision. Returns `None` if the measurement
    /// was interrupted.
    fn stored_or_measured(
        &self,
        model: &LiveModel,
        choice: ExecutionChoice,
        precisions: &[Precision],
        stop: StopCondition<'_>,
    ) -> Option<Decision> {
        if let Some(decision) = self.stored_decision(model, choice) {
            return Some(decision);
        }
        let decision = self.compare_engines(model, choice, precisions, stop)?;
        // A problem may be solved at the next start.
        if decision
            .reports
            .iter()
            .all(|report| report.problem.is_none())
        {
            let key = Key::new(&model.sha256, choice, &self.runtime);
            self.engines.stored.write(&key, &decision);
        }
        Some(decision)
    }

    /// Selects the engine of a version. Returns whether the version must be loaded again, because it uses another engine.
    /// Measurements end at the stop condition; then nothing is selected.
    pub(in crate::models) fn select_engine(
        &self,
        model: &LiveModel,
        stop: StopCondition<'_>,
    ) -> bool {
        let Ok(choice) = self.engines.choice(&model.config) else {
            return false;
        };
        let decision = match &choice.openvino_precisions(has_bf16())[..] {
            [] => {
                let requested = Execution::openvino(Precision::Bf16);
                let error = OpenVinoError::NoBf16;
                self.record_fallback(&model.name, requested, &error);
                Some(Decision::default_provider(requested, &error))
            }
            // Loading the version again tries the engine.
            &[precision] if choice.is_explicit() => Some(Decision {
                execution: Execution::openvino(precision),
                reports: Vec::new(),
            }),
            precisions => self.stored_or_measured(model, choice, precisions, stop),
        };
        let Some(decision) = decision else {
            return false;
        };
        let execution = decision.execution;
        model.engines.store(decision.reports.clone().into());
        self.engines.decisions.set(&model.sha256, choice, decision);
        tracing::info!(
            model = model.name,
            version = model.version.get(),
            %execution,
            "engine selected"
        );
        execution != model.execution
    }

    /// Loads a version, and loads it again with its engine if one is requested or stored by an earlier start. Its images are not compared
    /// with an evaluation.
    ///
    /// # Errors
    /// Returns the errors of [`Self::load`].
    pub fn load_with_engine(
        &self,
        name: &str,
        version: ModelVersion,
        dir: &VersionDir,
    ) -> Result<Arc<LiveModel>, InferenceError> {
        let model = Arc::new(self.load_without_monitor(name, version, dir)?);
        let is_stopping = || self.runtime.is_stopping();
        let stop = StopCondition::within(self.tuner.budget(), &is_stopping);
        if self.is_engine_due(&model, false) && self.select_engine(&model, stop) {
            return self.reconfigured(&model);
        }
        Ok(model)
    }

    /// Returns the engine that a loaded version should use.
    pub(in crate::models) fn selected_engine(&self, model: &LiveModel) -> Execution {
        let choice = self.engines.choice(&model.config);
        choice.map_or(model.execution, |choice| {
            self.engines.expected(&model.name, &model.sha256, choice)
        })
    }
}
