//! Opens the sessions of a version that is being loaded.

use super::{OpenedEngine, decisions::Decision, report, trial::try_engine};
use crate::{
    batching::BatchOptions,
    inference::{
        InferenceError,
        engine::{Execution, ExecutionChoice},
        onnx::Session,
        runtime::openvino::OpenVinoError,
    },
    models::{
        load::ModelLoader,
        source::{First, SessionKind, Source},
    },
};

impl ModelLoader {
    /// Returns the sessions of the selected engine, or `sessions` of the default provider if no engine is selected yet or the
    /// selected one fails.
    ///
    /// # Errors
    /// Returns an error if the default provider fails.
    pub(in crate::models) fn open(
        &self,
        name: &str,
        source: &Source,
        choice: ExecutionChoice,
        batch: BatchOptions,
        sessions: Vec<Session>,
    ) -> Result<OpenedEngine, InferenceError> {
        let decisions = &self.engines.decisions;
        let execution = self.engines.expected(name, &source.sha256, choice);
        let decision = decisions.get(&source.sha256, choice);
        let mut reports = decision
            .map(|decision| decision.reports)
            .unwrap_or_default();
        let default = SessionKind::Default(batch.intra_op_threads);
        let (kind, first) = if execution == Execution::default() {
            (default, First::Sessions(sessions))
        } else {
            let mut reference = source.warm_up(sessions, batch.max_batch)?;
            match try_engine(source, execution.precision, batch, reference.as_mut()) {
                Ok((opened, classifier, agreement)) => {
                    report::set_agreement(&mut reports, execution, agreement);
                    (opened, First::Classifier(classifier))
                }
                Err(error) => {
                    self.record_fallback(name, execution, &error);
                    report::set_problem(&mut reports, execution, &error);
                    let decision = Decision {
                        execution: Execution::default(),
                        reports: reports.clone(),
                    };
                    decisions.set(&source.sha256, choice, decision);
                    (default, First::Classifier(reference))
                }
            }
        };
        decisions.set_inherited(name, choice, kind.execution());
        Ok(OpenedEngine {
            kind,
            first,
            reports,
        })
    }

    /// Logs and counts that a requested engine is not used.
    pub(super) fn record_fallback(&self, name: &str, execution: Execution, error: &OpenVinoError) {
        tracing::warn!(
            model = name,
            %execution,
            %error,
            "the model uses the default provider instead of the requested engine"
        );
        self.metrics.count_engine_fallback(name, error.reason());
    }
}
