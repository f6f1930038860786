//! The same model in this process, without HTTP and without the batcher.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use mien_faces::image::Face;
use mien_loadgen::{
    load::LoadResult,
    process::Process,
    window::{Outcome, Sample, Timing, Window},
};
use serde::Serialize;

use crate::{
    batching::RequestOptions,
    inference::{Classifier, InferenceError, engine::Execution, runtime::Device},
    models::{live::LiveModel, source::Source},
    tuning::{
        Point, choose,
        sessions::{ThroughputRun, random_inputs},
        space::{Configuration, Layout, Overrides, Space},
        stop_condition::StopCondition,
        sweep::measure,
    },
};

/// Figures of raw ONNX Runtime.
#[derive(Debug, Clone, Serialize)]
pub struct Raw {
    /// The tuning curve.
    pub points: Vec<Point>,
    /// The best point, measured for longer.
    pub best: Point,
    /// CPU seconds per thousand images at the best point.
    pub cpu_seconds_per_1000: f64,
}

/// Measures the curve within `budget`, then its best point for `time`.
///
/// # Errors
/// Returns an error if the model fails.
pub(super) fn raw(
    source: &Source,
    execution: Execution,
    budget: Duration,
    time: Duration,
) -> Result<Raw, InferenceError> {
    let open = opener(source, execution);
    let given = Overrides {
        max_batch: source.signature.fixed_batch,
        ..Overrides::default()
    };
    let cores = mien_host::cpu::available_cores();
    let space = Space::new(Device::Cpu, cores, given);
    let side = source.signature.side;
    let stop = StopCondition::within(budget, &|| false);
    let points = measure(&space, |count| random_inputs(side, count), stop, &open)?;
    let empty_curve = || InferenceError::Run("the curve is empty".to_owned());
    let Configuration { layout, max_batch } =
        choose(&points).ok_or_else(empty_curve)?.configuration();
    let mut sessions = ThroughputRun::open(layout, max_batch, side, &open)?;
    let (best, images_per_cpu_second) = run(&mut sessions, time)?;
    Ok(Raw {
        points,
        best,
        cpu_seconds_per_1000: 1e3 / images_per_cpu_second,
    })
}

/// Runs sessions for a time. Also returns the images per CPU second of this process, which only runs the sessions.
///
/// # Errors
/// Returns an error if the model fails.
pub(super) fn run(
    sessions: &mut ThroughputRun,
    time: Duration,
) -> Result<(Point, f64), InferenceError> {
    let (begin, before) = (Instant::now(), own_cpu());
    let point = sessions.run(time)?;
    let images = point.images_per_second * begin.elapsed().as_secs_f64();
    let cpu = own_cpu().saturating_sub(before).as_secs_f64();
    Ok((point, images / cpu.max(f64::MIN_POSITIVE)))
}

/// Opens the sessions of a point of the curve.
///
/// # Errors
/// Returns an error if the model fails.
pub(super) fn sessions(
    source: &Source,
    execution: Execution,
    point: &Point,
) -> Result<ThroughputRun, InferenceError> {
    let layout = Layout {
        instances: point.instances,
        intra_op_threads: point.intra_op_threads,
    };
    ThroughputRun::open(
        layout,
        point.batch,
        source.signature.side,
        &opener(source, execution),
    )
}

/// Opens one session for one image at a time.
///
/// # Errors
/// Returns an error if the model fails.
pub(super) fn single_session(
    source: &Source,
    execution: Execution,
    intra_op_threads: usize,
) -> Result<ThroughputRun, InferenceError> {
    let layout = Layout {
        instances: 1,
        intra_op_threads,
    };
    ThroughputRun::open(layout, 1, source.signature.side, &opener(source, execution))
}

/// Measures one session with one image at a time, which is the lower bound of the latency of a server.
///
/// # Errors
/// Returns an error if the model fails.
pub(super) fn single(
    source: &Source,
    execution: Execution,
    intra_op_threads: usize,
    time: Duration,
) -> Result<Point, InferenceError> {
    single_session(source, execution, intra_op_threads)?.run(time)
}

fn opener(
    source: &Source,
    execution: Execution,
) -> impl Fn(usize, usize) -> Result<Box<dyn Classifier>, InferenceError> + Sync {
    move |intra_op_threads, max_batch| {
        let kind = source.session_kind(execution, intra_op_threads)?;
        source.open_without_warm_up(&kind, max_batch)
    }
}

/// Measures the batcher with four times as many concurrent images as its workers run.
///
/// # Errors
/// Returns an error if the CPU time of the process cannot be read.
pub(super) async fn batcher(
    model: Arc<LiveModel>,
    faces: &[Face],
    timing: Timing,
) -> anyhow::Result<LoadResult> {
    let options = model.batcher.options();
    let callers = (4 * options.instances * options.max_batch).min(options.max_queue_size);
    let window = Window::starting_now(timing);
    let callers = (0..callers).map(|first| {
        let model = &model;
        async move {
            let mut samples = Vec::new();
            let mut faces = faces.iter().cycle().skip(first);
            while Instant::now() < window.end
                && let Some(face) = faces.next()
            {
                let begin = Instant::now();
                let response = model
                    .batcher
                    .infer(vec![face.clone().into()], RequestOptions::default())
                    .await;
                let outcome = match response {
                    Ok(_) => Outcome::Succeeded,
                    Err(error) => Outcome::Failed(error.to_string()),
                };
                samples.push(Sample {
                    begin,
                    end: Instant::now(),
                    outcome,
                });
            }
            samples
        }
    });
    let (samples, usage) = tokio::join!(join_all(callers), window.usage(Some(Process::own())));
    let name = "batcher without HTTP".to_owned();
    Ok(LoadResult::new(name, window, samples, usage?))
}

/// Returns the CPU time of this process.
fn own_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}
