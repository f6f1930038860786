//! Measures the throughput of engines.

use super::report::EngineReport;
use crate::{
    batching::BatchOptions,
    inference::{InferenceError, agreement::Agreement, engine::Execution},
    models::source::{SessionKind, Source},
    tuning::{sessions::ThroughputRun, space::Layout, stop_condition::StopCondition},
};

/// Number of samples of each engine. The best one counts, because other load on the machine only makes samples slower.
const SAMPLES: usize = 4;

/// The throughput of another engine must be higher than that of the default provider by this factor. Smaller differences are
/// noise.
const MIN_GAIN: f64 = 1.05;

/// An engine that can execute the model.
pub(super) struct Contender {
    kind: SessionKind,
    report: EngineReport,
}

impl Contender {
    pub(super) fn new(kind: SessionKind, agreement: Option<Agreement>) -> Self {
        let report = EngineReport {
            agreement,
            ..EngineReport::new(kind.execution())
        };
        Self { kind, report }
    }
}

/// Measures the engines alternately, in the layout and with the batch size of the version, and returns the fastest one.
///
/// # Errors
/// Returns an error if an engine fails or the measurement is interrupted.
pub(super) fn fastest(
    source: &Source,
    contenders: Vec<Contender>,
    batch: BatchOptions,
    stop: StopCondition<'_>,
) -> Result<(Execution, Vec<EngineReport>), InferenceError> {
    let layout = Layout {
        instances: batch.instances,
        intra_op_threads: batch.intra_op_threads,
    };
    let mut running = Vec::with_capacity(contenders.len());
    for Contender { kind, report } in contenders {
        stop.check()?;
        let open = |_, max_batch| source.open_without_warm_up(&kind, max_batch);
        let run = ThroughputRun::open(layout, batch.max_batch, source.signature.side, &open)?;
        running.push((run, report));
    }
    for _ in 0..SAMPLES {
        for (run, report) in &mut running {
            stop.check()?;
            let point = run.run(stop.sample)?;
            let best = report.images_per_second.unwrap_or_default();
            report.images_per_second = Some(best.max(point.images_per_second));
        }
    }
    let reports: Vec<_> = running.into_iter().map(|(_, report)| report).collect();
    Ok((select(&reports), reports))
}

/// Returns the engine with the highest throughput. The default provider is preferred if it is nearly as fast.
fn select(reports: &[EngineReport]) -> Execution {
    let throughput = |report: &EngineReport| {
        let gain = if report.execution() == Execution::default() {
            MIN_GAIN
        } else {
            1.0
        };
        gain * report.images_per_second.unwrap_or_default()
    };
    let best = reports
        .iter()
        .max_by(|a, b| throughput(a).total_cmp(&throughput(b)));
    best.map_or_else(Execution::default, EngineReport::execution)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::engine::Precision;

    fn report(execution: Execution, images_per_second: f64) -> EngineReport {
        EngineReport {
            images_per_second: Some(images_per_second),
            ..EngineReport::new(execution)
        }
    }

    #[test]
    fn fastest_engine_is_selected() {
        let default = report(Execution::default(), 100.0);
        let fp32 = report(Execution::openvino(Precision::Fp32), 120.0);
        let bf16 = report(Execution::openvino(Precision::Bf16), 400.0);
        let all = [default.clone(), fp32.clone(), bf16.clone()];
        assert_eq!(select(&all), bf16.execution());
        assert_eq!(select(&[fp32.clone(), default]), fp32.execution());
    }

    #[test]
    fn small_gain_keeps_default_provider() {
        let default = report(Execution::default(), 100.0);
        let slightly_faster = report(Execution::openvino(Precision::Fp32), 104.0);
        assert_eq!(select(&[default, slightly_faster]), Execution::default());
    }
}
