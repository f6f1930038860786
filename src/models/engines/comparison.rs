//! Compares the engines that may execute a version.

use super::{
    EngineReport,
    decisions::Decision,
    measurement::{Contender, fastest},
    trial::try_engine,
};
use crate::{
    batching::BatchOptions,
    inference::{
        InferenceError,
        engine::{Execution, ExecutionChoice, Precision},
        runtime::openvino::OpenVinoError,
    },
    models::{
        live::LiveModel,
        load::ModelLoader,
        source::{SessionKind, Source, inspect},
    },
    tuning::stop_condition::StopCondition,
};

impl ModelLoader {
    /// Tries OpenVINO in these precisions and measures the engines. Returns `None` if the measurement was interrupted.
    pub(super) fn compare_engines(
        &self,
        model: &LiveModel,
        choice: ExecutionChoice,
        precisions: &[Precision],
        stop: StopCondition<'_>,
    ) -> Option<Decision> {
        let fail = |error: &InferenceError| {
            tracing::warn!(model = model.name, %error, "cannot compare the engines of the model");
            Decision::default()
        };
        let batch = model.batcher.options();
        let (config, threads) = (model.config.clone(), batch.intra_op_threads);
        let runtime = self.runtime.with_device(model.device);
        let inspected = self
            .files(&model.dir)
            .and_then(|files| inspect(&runtime, &files, config, threads));
        let source = match inspected {
            Ok(inspected) => inspected.source,
            Err(_) if stop.is_interrupted() => return None,
            Err(error) => return Some(fail(&error)),
        };
        let (mut contenders, failed) =
            self.try_engines(&model.name, &source, batch, choice, precisions);
        if stop.is_interrupted() {
            return None;
        }
        if contenders.is_empty() {
            return Some(Decision {
                execution: Execution::default(),
                reports: failed,
            });
        }
        if !choice.is_explicit() {
            contenders.push(Contender::new(SessionKind::Default(threads), None));
        }
        let measured = self
            .runtime
            .load_priority()
            .run(|| fastest(&source, contenders, batch, stop));
        match measured {
            Ok((execution, mut reports)) => {
                reports.extend(failed);
                Some(Decision { execution, reports })
            }
            Err(_) if stop.is_interrupted() => None,
            Err(error) => Some(fail(&error)),
        }
    }

    /// Tries OpenVINO in these precisions. Returns the engines that agree with the default provider, and the reports of the others.
    fn try_engines(
        &self,
        name: &str,
        source: &Source,
        batch: BatchOptions,
        choice: ExecutionChoice,
        precisions: &[Precision],
    ) -> (Vec<Contender>, Vec<EngineReport>) {
        let default = SessionKind::Default(batch.intra_op_threads);
        let mut reference = source
            .open_without_warm_up(&default, batch.max_batch)
            .map_err(|error| OpenVinoError::Model(error.to_string()));
        let (mut contenders, mut failed) = (Vec::new(), Vec::new());
        for &precision in precisions {
            let tried = match &mut reference {
                Ok(reference) => try_engine(source, precision, batch, &mut **reference),
                Err(error) => Err(error.clone()),
            };
            match tried {
                Ok((kind, _, agreement)) => contenders.push(Contender::new(kind, Some(agreement))),
                Err(error) => {
                    let execution = Execution::openvino(precision);
                    self.record_failure(name, choice, execution, &error);
                    failed.push(EngineReport::failed(execution, &error));
                }
            }
        }
        (contenders, failed)
    }

    /// Records that an engine is not used. It is a warning unless the engine was not requested and is not expected to work.
    fn record_failure(
        &self,
        name: &str,
        choice: ExecutionChoice,
        execution: Execution,
        error: &OpenVinoError,
    ) {
        let is_unavailable = matches!(error, OpenVinoError::NotInstalled | OpenVinoError::NoDevice);
        if is_unavailable && !choice.is_explicit() {
            tracing::info!(model = name, %execution, %error, "the engine is not available");
        } else {
            self.record_fallback(name, execution, error);
        }
    }
}
