//! The sessions of a layout side by side: what one look at them measures.

use std::{
    fmt,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use mien_faces::image::Face;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::space::Layout;
use crate::inference::{Classifier, InferenceError, Input};

/// Opens a session whose runs use this many cores and take up to this many images.
pub type Open<'a> = dyn Fn(usize, usize) -> Result<Box<dyn Classifier>, InferenceError> + Sync + 'a;

/// One point of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = TuningPoint)]
pub struct Point {
    /// Sessions that ran side by side.
    pub instances: usize,
    /// Cores that a run of each used.
    pub intra_op_threads: usize,
    /// Images of one run.
    pub batch: usize,
    /// Images a second of all sessions together.
    pub images_per_second: f64,
    /// The median run, in milliseconds.
    pub run_ms: f64,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { instances, intra_op_threads, batch, images_per_second, run_ms } = self;
        write!(
            f,
            "{instances}x{intra_op_threads} batch {batch}: {images_per_second:.1}/s {run_ms:.2} ms"
        )
    }
}

/// A layout's sessions.
pub(super) struct Sessions {
    layout: Layout,
    sessions: Vec<Box<dyn Classifier>>,
}

impl Sessions {
    /// Opens the sessions side by side.
    pub(super) fn open(
        layout: Layout,
        largest: usize,
        open: &Open<'_>,
    ) -> Result<Self, InferenceError> {
        let sessions = thread::scope(|scope| {
            let openers: Vec<_> = (0..layout.instances)
                .map(|_| scope.spawn(|| open(layout.intra_op_threads, largest)))
                .collect();
            openers.into_iter().map(join).collect::<Result<Vec<_>, _>>()
        })?;
        Ok(Self { layout, sessions })
    }

    /// One look: all sessions run side by side until the time is over, at least once each, and once before that where
    /// they are to warm up.
    pub(super) fn measure(
        &mut self,
        inputs: &[Input],
        look: Duration,
        warm_up: bool,
    ) -> Result<Point, InferenceError> {
        let start = Barrier::new(self.sessions.len());
        let sessions = thread::scope(|scope| {
            let runners: Vec<_> = self
                .sessions
                .iter_mut()
                .map(|session| {
                    scope.spawn(|| runs(session.as_mut(), inputs, &start, look, warm_up))
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
        let run_ms = all[all.len() / 2].as_secs_f64() * 1e3;
        let Layout { instances, intra_op_threads } = self.layout;
        Ok(Point { instances, intra_op_threads, batch: inputs.len(), images_per_second, run_ms })
    }
}

/// Sessions that run at one point of the space for as long as somebody wants.
pub struct Sustained {
    sessions: Sessions,
    inputs: Vec<Input>,
}

impl Sustained {
    /// Opens the sessions of a layout and warms them up. `side` is that of the model's pictures.
    ///
    /// # Errors
    /// When a session cannot be opened or fails.
    pub fn open(
        layout: Layout,
        batch: usize,
        side: usize,
        open: &Open<'_>,
    ) -> Result<Self, InferenceError> {
        let mut sustained =
            Self { sessions: Sessions::open(layout, batch, open)?, inputs: pictures(side, batch) };
        sustained.sessions.measure(&sustained.inputs, Duration::ZERO, true)?;
        Ok(sustained)
    }

    /// Runs all sessions side by side for a time.
    ///
    /// # Errors
    /// When one of them fails.
    pub fn run(&mut self, time: Duration) -> Result<Point, InferenceError> {
        self.sessions.measure(&self.inputs, time, false)
    }
}

/// The times of one session's runs.
fn runs(
    session: &mut dyn Classifier,
    inputs: &[Input],
    start: &Barrier,
    look: Duration,
    warm_up: bool,
) -> Result<Vec<Duration>, InferenceError> {
    let warmed_up = if warm_up { session.classify(inputs).map(drop) } else { Ok(()) };
    start.wait();
    warmed_up?;
    let mut runs = Vec::new();
    let begin = Instant::now();
    let mut last = begin;
    while runs.is_empty() || last - begin < look {
        session.classify(inputs)?;
        let now = Instant::now();
        runs.push(now - last);
        last = now;
    }
    Ok(runs)
}

fn join<T>(
    thread: thread::ScopedJoinHandle<'_, Result<T, InferenceError>>,
) -> Result<T, InferenceError> {
    thread.join().unwrap_or_else(|_| Err(InferenceError::Run("the model crashed".to_owned())))
}

/// Faces of noise: what a network's runs cost does not depend on what they show.
pub(super) fn pictures(side: usize, count: usize) -> Vec<Input> {
    let mut state = 1_u32;
    let mut gray = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    let face = |_| {
        let pixels = (0..side * side).map(|_| gray()).collect();
        Input::Face(Face::new(side, pixels).expect("a square of the model's side"))
    };
    (0..count).map(face).collect()
}
