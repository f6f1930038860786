//! Concurrent sessions of one layout and the samples that are measured with them.

use std::{
    fmt,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use mien_faces::image::Face;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::space::{Configuration, Layout};
use crate::inference::{Classifier, InferenceError, Input, Model};

/// Opens a session for a number of intra-op threads and a maximum batch size.
pub type Open<'a, M = dyn Classifier> =
    dyn Fn(usize, usize) -> Result<Box<M>, InferenceError> + Sync + 'a;

/// One measured point of a tuning curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = TuningPoint)]
pub struct Point {
    /// Number of concurrent sessions.
    pub instances: usize,
    /// Number of cores that one inference call used.
    pub intra_op_threads: usize,
    /// Number of images per inference call.
    pub batch: usize,
    /// Throughput of all sessions together in images per second.
    pub images_per_second: f64,
    /// Median duration of an inference call in milliseconds.
    pub run_ms: f64,
    /// Spread of the durations: the difference between the third and the first quartile, divided by the median.
    pub spread: f64,
}

impl Point {
    /// Returns the layout.
    pub fn layout(&self) -> Layout {
        Layout {
            instances: self.instances,
            intra_op_threads: self.intra_op_threads,
        }
    }

    /// Returns the configuration whose largest batches have this point's size.
    pub fn configuration(&self) -> Configuration {
        Configuration {
            layout: self.layout(),
            max_batch: self.batch,
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            instances,
            intra_op_threads,
            batch,
            images_per_second,
            run_ms,
            spread,
        } = self;
        write!(
            f,
            "{instances}x{intra_op_threads} batch {batch}: {images_per_second:.1}/s {run_ms:.2} ms ± {:.0} %",
            50.0 * spread
        )
    }
}

/// The sessions of a layout.
pub(super) struct Sessions<M: Model + ?Sized = dyn Classifier> {
    layout: Layout,
    sessions: Vec<Box<M>>,
}

impl<M: Model + ?Sized> Sessions<M> {
    /// Opens the sessions concurrently.
    pub(super) fn open(
        layout: Layout,
        largest: usize,
        open: &Open<'_, M>,
    ) -> Result<Self, InferenceError> {
        let sessions = thread::scope(|scope| {
            let openers: Vec<_> = (0..layout.instances)
                .map(|_| scope.spawn(|| open(layout.intra_op_threads, largest)))
                .collect();
            openers.into_iter().map(join).collect::<Result<Vec<_>, _>>()
        })?;
        Ok(Self { layout, sessions })
    }

    /// Takes one sample: all sessions run concurrently for `sample`, at least once each, after one call that is not counted
    /// if `warm_up` is set.
    pub(super) fn measure(
        &mut self,
        inputs: &[M::Input],
        sample: Duration,
        warm_up: bool,
    ) -> Result<Point, InferenceError> {
        let start = Barrier::new(self.sessions.len());
        let sessions = thread::scope(|scope| {
            let runners: Vec<_> = self
                .sessions
                .iter_mut()
                .map(|session| {
                    scope.spawn(|| runs(session.as_mut(), inputs, &start, sample, warm_up))
                })
                .collect();
            runners.into_iter().map(join).collect::<Result<Vec<_>, _>>()
        })?;
        let per_second = |runs: &Vec<Duration>| {
            let total: Duration = runs.iter().sum();
            (runs.len() * inputs.len()) as f64 / total.as_secs_f64().max(f64::MIN_POSITIVE)
        };
        let images_per_second = sessions.iter().map(per_second).sum();
        let mut all: Vec<Duration> = sessions.into_iter().flatten().collect();
        all.sort_unstable();
        let quartile = |number: usize| all[number * (all.len() - 1) / 4].as_secs_f64() * 1e3;
        let run_ms = quartile(2);
        let spread = (quartile(3) - quartile(1)) / run_ms.max(f64::MIN_POSITIVE);
        let Layout {
            instances,
            intra_op_threads,
        } = self.layout;
        Ok(Point {
            instances,
            intra_op_threads,
            batch: inputs.len(),
            images_per_second,
            run_ms,
            spread,
        })
    }
}

/// Sessions that run at one point of the space for any time.
pub struct ThroughputRun {
    sessions: Sessions,
    inputs: Vec<Input>,
}

impl ThroughputRun {
    /// Opens the sessions of a layout and warms them up. `side` is the side of the model's input in pixels.
    ///
    /// # Errors
    /// Returns an error if a session cannot be opened or fails.
    pub fn open(
        layout: Layout,
        batch: usize,
        side: usize,
        open: &Open<'_>,
    ) -> Result<Self, InferenceError> {
        let mut this = Self {
            sessions: Sessions::open(layout, batch, open)?,
            inputs: random_inputs(side, batch),
        };
        this.sessions.measure(&this.inputs, Duration::ZERO, true)?;
        Ok(this)
    }

    /// Runs all sessions concurrently for a time.
    ///
    /// # Errors
    /// Returns an error if one of them fails.
    pub fn run(&mut self, time: Duration) -> Result<Point, InferenceError> {
        self.sessions.measure(&self.inputs, time, false)
    }
}

/// Runs one session and returns the duration of each call.
fn runs<M: Model + ?Sized>(
    session: &mut M,
    inputs: &[M::Input],
    start: &Barrier,
    sample: Duration,
    warm_up: bool,
) -> Result<Vec<Duration>, InferenceError> {
    let warmed_up = if warm_up {
        session.infer(inputs).map(drop)
    } else {
        Ok(())
    };
    start.wait();
    warmed_up?;
    let mut runs = Vec::new();
    let begin = Instant::now();
    let mut last = begin;
    while runs.is_empty() || last - begin < sample {
        session.infer(inputs)?;
        let now = Instant::now();
        runs.push(now - last);
        last = now;
    }
    Ok(runs)
}

fn join<T>(
    thread: thread::ScopedJoinHandle<'_, Result<T, InferenceError>>,
) -> Result<T, InferenceError> {
    thread
        .join()
        .unwrap_or_else(|_| Err(InferenceError::Run("the classifier panicked".to_owned())))
}

/// Creates faces of noise. The cost of an inference call does not depend on the values.
pub fn random_inputs(side: usize, count: usize) -> Vec<Input> {
    let mut rng = StdRng::seed_from_u64(1);
    let face = |_| {
        let mut pixels = vec![0; side * side];
        rng.fill(&mut pixels[..]);
        Input::Face(Face::new(side, pixels).expect("a square of the model's side"))
    };
    (0..count).map(face).collect()
}
