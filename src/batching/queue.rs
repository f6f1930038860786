//! The images that wait for one model: bounded, first in first out, live ones before those of the background.

use std::{
    collections::VecDeque,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::{BatchOptions, Cores, Priority, job::Job};
use crate::metrics::ModelMetrics;

/// Why images were not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Full,
    Closed,
}

/// What the lock guards.
#[derive(Default)]
pub(super) struct State {
    pub(super) live: VecDeque<Job>,
    pub(super) background: VecDeque<Job>,
    /// When a live image came last.
    pub(super) last_live: Option<Instant>,
    /// When any did.
    last: Option<Instant>,
    /// Batches of the background that run now.
    pub(super) background_runs: usize,
    /// Workers that sleep, in the order in which they fell idle.
    pub(super) idle: Vec<usize>,
    /// Workers that look for images, with cores in their hands or without.
    pub(super) looking: usize,
    pub(super) closed: bool,
    /// The length that the gauge has been told.
    published: usize,
}

impl State {
    pub(super) fn len(&self) -> usize {
        self.live.len() + self.background.len()
    }

    fn of(&mut self, priority: Priority) -> &mut VecDeque<Job> {
        match priority {
            Priority::Live => &mut self.live,
            Priority::Background => &mut self.background,
        }
    }
}

/// The queue of one model.
pub(super) struct Queue {
    state: Mutex<State>,
    /// One for each worker, so that a certain one can be woken.
    pub(super) wakes: Box<[Condvar]>,
    pub(super) options: BatchOptions,
    pub(super) metrics: ModelMetrics,
    pub(super) cores: Cores,
    /// Live images that wait; for a worker that waits for cores and must not hold the queue's lock.
    live_waiting: AtomicUsize,
    /// Workers that have cores and have not taken their batch yet.
    pub(super) ready: AtomicUsize,
    /// Workers that have a classifier, or will get one for their next batch.
    pub(super) able: AtomicUsize,
    /// A moving average of one worker's time for an image, in nanoseconds; 0 before the first batch.
    image_nanos: AtomicU64,
}

impl Queue {
    pub(super) fn new(options: BatchOptions, cores: Cores, metrics: ModelMetrics) -> Self {
        Self {
            state: Mutex::default(),
            wakes: (0..options.instances.max(1)).map(|_| Condvar::new()).collect(),
            options,
            metrics,
            cores,
            live_waiting: AtomicUsize::new(0),
            ready: AtomicUsize::new(0),
            able: AtomicUsize::new(options.instances.max(1)),
            image_nanos: AtomicU64::new(0),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held, and the state is valid between any two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all the jobs or none. When they do not fit, entries that nobody waits for make room first.
    /// Each priority has the whole length for itself: the background never costs live traffic its place.
    pub(super) fn push(&self, jobs: Vec<Job>, priority: Priority) -> Result<(), Refusal> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refusal::Closed);
        }
        if !self.fits(&mut state, jobs.len(), priority) {
            return Err(Refusal::Full);
        }
        let count = jobs.len();
        state.last = jobs.last().map(|job| job.enqueued).or(state.last);
        if priority == Priority::Live {
            state.last_live = jobs.last().map(|job| job.enqueued);
        }
        state.of(priority).extend(jobs);
        self.publish(&mut state);
        // Workers that wait for cores on behalf of the background now have a better claim.
        let nudge = priority == Priority::Live && !state.background.is_empty();
        self.wake(&mut state, count);
        drop(state);
        if nudge {
            self.cores.nudge();
        }
        Ok(())
    }

    /// Whether one more live image would be taken now.
    pub(super) fn check_room(&self) -> Result<(), Refusal> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refusal::Closed);
        }
        if self.fits(&mut state, 1, Priority::Live) { Ok(()) } else { Err(Refusal::Full) }
    }

    /// How long ago the last image of any priority came; nothing while images wait, for ever before the first.
    pub(super) fn idle(&self) -> Duration {
        let state = self.lock();
        if state.len() > 0 {
            return Duration::ZERO;
        }
        state.last.map_or(Duration::MAX, |last| last.elapsed())
    }

    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.wake(&mut state, usize::MAX);
        self.wakes.iter().for_each(Condvar::notify_one);
    }

    /// Keeps a worker from the images for a time, or until the queue is closed; whether it is.
    pub(super) fn pause(&self, worker: usize, time: Duration) -> bool {
        let (state, wake) = (self.lock(), &self.wakes[worker]);
        let state = wake.wait_timeout_while(state, time, |state| !state.closed);
        state.unwrap_or_else(PoisonError::into_inner).0.closed
    }

    /// Wakes up to `count` workers, the one first that fell idle last: its session's memory is still in the cache.
    pub(super) fn wake(&self, state: &mut State, count: usize) {
        let first = state.idle.len().saturating_sub(count);
        state.idle.drain(first..).for_each(|worker| self.wakes[worker].notify_one());
    }

    /// Of the best image that waits.
    pub(super) fn priority(&self) -> Priority {
        let live = self.live_waiting.load(Ordering::Relaxed) > 0;
        if live { Priority::Live } else { Priority::Background }
    }

    /// How long the workers need for the live images that wait now, by their measured speed.
    pub(super) fn backlog(&self) -> Duration {
        let waiting = u64::try_from(self.lock().live.len()).unwrap_or(u64::MAX);
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
        self.metrics.queue_images(count(state.len()) - count(state.published));
        self.live_waiting.store(state.live.len(), Ordering::Relaxed);
        state.published = state.len();
    }

    fn fits(&self, state: &mut State, images: usize, priority: Priority) -> bool {
        let capacity = self.options.max_queue_size;
        if state.of(priority).len().saturating_add(images) <= capacity {
            return true;
        }
        if images > capacity {
            return false;
        }
        let now = Instant::now();
        state.of(priority).retain(|job| match job.reply.dead(now) {
            Some(outcome) => {
                self.metrics.images(outcome, 1);
                false
            }
            None => true,
        });
        self.publish(state);
        state.of(priority).len() + images <= capacity
    }
}
