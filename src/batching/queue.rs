//! The images that wait for one model: bounded, first in first out.

use std::{
    collections::VecDeque,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use mien_faces::image::Face;
use tokio::sync::oneshot;

use super::{BatchError, BatchOptions};
use crate::{
    inference::Probabilities,
    metrics::{ModelMetrics, Outcome},
};

/// One image that waits for its answer.
pub(super) struct Job {
    pub(super) face: Face,
    pub(super) deadline: Option<Instant>,
    pub(super) enqueued: Instant,
    pub(super) reply: oneshot::Sender<Result<Probabilities, BatchError>>,
}

impl Job {
    /// Why nobody wants the answer any more, if so.
    pub(super) fn dead(&self, now: Instant) -> Option<Outcome> {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            Some(Outcome::Expired)
        } else if self.reply.is_closed() {
            Some(Outcome::Cancelled)
        } else {
            None
        }
    }
}

/// Why images were not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Full,
    Closed,
}

/// What the lock guards.
pub(super) struct State {
    pub(super) jobs: VecDeque<Job>,
    /// Workers that wait for images.
    pub(super) idle: usize,
    pub(super) closed: bool,
    /// The length that the gauge has been told.
    published: usize,
}

/// The queue of one model.
pub(super) struct Queue {
    state: Mutex<State>,
    pub(super) wake: Condvar,
    pub(super) options: BatchOptions,
    pub(super) metrics: ModelMetrics,
    /// A moving average of one worker's time for an image, in nanoseconds; 0 before the first batch.
    image_nanos: AtomicU64,
}

impl Queue {
    pub(super) fn new(options: BatchOptions, metrics: ModelMetrics) -> Self {
        let state = State { jobs: VecDeque::new(), idle: 0, closed: false, published: 0 };
        let image_nanos = AtomicU64::new(0);
        Self { state: Mutex::new(state), wake: Condvar::new(), options, metrics, image_nanos }
    }

    pub(super) fn options(&self) -> BatchOptions {
        self.options
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held, and the state is valid between any two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all the jobs or none. When they do not fit, entries that nobody waits for make room first.
    pub(super) fn push(&self, jobs: Vec<Job>) -> Result<(), Refusal> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refusal::Closed);
        }
        if !self.fits(&mut state, jobs.len()) {
            return Err(Refusal::Full);
        }
        let many = jobs.len() > 1;
        state.jobs.extend(jobs);
        self.publish(&mut state);
        drop(state);
        if many {
            self.wake.notify_all()
        } else {
            self.wake.notify_one()
        }
        Ok(())
    }

    /// Whether one more image would be taken now.
    pub(super) fn check_room(&self) -> Result<(), Refusal> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refusal::Closed);
        }
        if self.fits(&mut state, 1) { Ok(()) } else { Err(Refusal::Full) }
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
    }

    /// How long the workers need for what waits now, by their measured speed.
    pub(super) fn backlog(&self) -> Duration {
        let waiting = u64::try_from(self.lock().jobs.len()).unwrap_or(u64::MAX);
        let workers = u64::try_from(self.options.instances.max(1)).unwrap_or(u64::MAX);
        let nanos = self.image_nanos.load(Ordering::Relaxed);
        Duration::from_nanos(nanos.saturating_mul(waiting) / workers)
    }

    /// Notes how long one worker took for a batch. Two workers that note at once may lose one of the
    /// two: the figure is an estimate.
    pub(super) fn note_speed(&self, took: Duration, images: usize) {
        let images = u128::try_from(images.max(1)).unwrap_or(u128::MAX);
        let new = u64::try_from(took.as_nanos() / images).unwrap_or(u64::MAX);
        let old = self.image_nanos.load(Ordering::Relaxed);
        let average = if old == 0 { new } else { old - old / 8 + new / 8 };
        self.image_nanos.store(average, Ordering::Relaxed);
    }

    /// Tells the gauge how the length has changed; versions of a model share it.
    pub(super) fn publish(&self, state: &mut State) {
        let count = |images: usize| i64::try_from(images).unwrap_or(i64::MAX);
        self.metrics.queue_images(count(state.jobs.len()) - count(state.published));
        state.published = state.jobs.len();
    }

    fn fits(&self, state: &mut State, images: usize) -> bool {
        let capacity = self.options.queue_images;
        if state.jobs.len().saturating_add(images) <= capacity {
            return true;
        }
        if images > capacity {
            return false;
        }
        let now = Instant::now();
        state.jobs.retain(|job| match job.dead(now) {
            Some(outcome) => {
                self.metrics.images(outcome, 1);
                false
            }
            None => true,
        });
        self.publish(state);
        state.jobs.len() + images <= capacity
    }
}
