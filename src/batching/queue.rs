//! The queue of one model: bounded, first in first out, live images before background images.

use std::{
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use mien_host::sync::lock;

use super::{
    BatchOptions, CpuBudget, Priority, call_durations::CallDurations, job::Job, queue_state::State,
    suspension::Suspension,
};
use crate::{inference::Model, metrics::ModelMetrics};

/// Why images were rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PushError {
    Full,
    Closed,
    /// The model is out of service.
    Suspended,
}

/// The queue of one model.
pub(super) struct Queue<M: Model + ?Sized> {
    state: Mutex<State<M>>,
    /// One per worker, so that a particular worker can be woken.
    pub(super) wakes: Box<[Condvar]>,
    pub(super) options: BatchOptions,
    /// Maximum number of images per inference call, at most that of the options.
    batch_limit: AtomicUsize,
    pub(super) metrics: ModelMetrics,
    pub(super) cores: CpuBudget,
    /// Number of queued live images, for workers that wait for cores and must not hold the lock of the queue.
    live_waiting: AtomicUsize,
    /// Number of workers that hold cores and have not taken their batch yet.
    pub(super) ready: AtomicUsize,
    /// Number of workers that have a classifier or will get one for their next batch.
    pub(super) healthy_workers: AtomicUsize,
    /// Whether the model is out of service.
    pub(super) suspension: Suspension,
    /// One per worker, which alone writes to it.
    pub(super) call_durations: Box<[CallDurations]>,
    /// Moving average of the time that one worker needs per image, in nanoseconds; 0 before the first batch.
    image_nanos: AtomicU64,
}

impl<M: Model + ?Sized> Queue<M> {
    pub(super) fn new(options: BatchOptions, cores: CpuBudget, metrics: ModelMetrics) -> Self {
        Self {
            state: Mutex::default(),
            wakes: (0..options.instances.max(1))
                .map(|_| Condvar::new())
                .collect(),
            options,
            batch_limit: AtomicUsize::new(options.max_batch),
            metrics,
            cores,
            live_waiting: AtomicUsize::new(0),
            ready: AtomicUsize::new(0),
            healthy_workers: AtomicUsize::new(options.instances.max(1)),
            suspension: Suspension::default(),
            call_durations: (0..options.instances.max(1))
                .map(|_| CallDurations::new(options.max_batch))
                .collect(),
            image_nanos: AtomicU64::new(0),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State<M>> {
        // Code that holds the lock does not panic, and the state is valid between any two statements.
        lock(&self.state)
    }

    /// Queues all jobs or none. If they do not fit, expired and cancelled entries are removed first. Each priority has the
    /// whole length for itself, so background images never displace live images.
    pub(super) fn push(&self, jobs: Vec<Job<M>>, priority: Priority) -> Result<(), PushError> {
        let mut state = self.lock();
        self.check_open(&state)?;
        if !self.fits(&mut state, jobs.len(), priority) {
            return Err(PushError::Full);
        }
        let count = jobs.len();
        state.last = jobs.last().map(|job| job.enqueued).or(state.last);
        if priority == Priority::Live {
            state.last_live = jobs.last().map(|job| job.enqueued);
        }
        state.jobs_mut(priority).extend(jobs);
        self.publish(&mut state);
        // Workers that wait for cores for background images now have live priority.
        let reprioritize = priority == Priority::Live && !state.background.is_empty();
        self.wake(&mut state, count);
        drop(state);
        if reprioritize {
            self.cores.reprioritize();
        }
        Ok(())
    }

    /// Checks that the queue accepts images.
    fn check_open(&self, state: &State<M>) -> Result<(), PushError> {
        if state.closed {
            Err(PushError::Closed)
        } else if self.suspension.reason().is_some() {
            Err(PushError::Suspended)
        } else {
            Ok(())
        }
    }

    /// Checks that one more live image would be accepted now.
    pub(super) fn ensure_capacity(&self) -> Result<(), PushError> {
        let mut state = self.lock();
        self.check_open(&state)?;
        if self.fits(&mut state, 1, Priority::Live) {
            Ok(())
        } else {
            Err(PushError::Full)
        }
    }

    /// Returns the time since the last image arrived: zero while images are queued, [`Duration::MAX`] before the first.
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

    /// Returns the maximum number of images per inference call, at least 1.
    pub(super) fn max_batch(&self) -> usize {
        self.batch_limit.load(Ordering::Relaxed).max(1)
    }

    /// Changes the maximum number of images per inference call.
    pub(super) fn limit_batches(&self, images: usize) {
        let images = images.min(self.options.max_batch);
        self.batch_limit.store(images, Ordering::Relaxed);
    }

    /// Blocks a worker for a time or until the queue is closed, and returns whether the queue is closed.
    pub(super) fn pause(&self, worker: usize, time: Duration) -> bool {
        let (state, wake) = (self.lock(), &self.wakes[worker]);
        let state = wake.wait_timeout_while(state, time, |state| !state.closed);
        state.unwrap_or_else(PoisonError::into_inner).0.closed
    }

    /// Wakes up to `count` workers. The last one that became idle is woken first, because its session is still in the CPU
    /// cache.
    pub(super) fn wake(&self, state: &mut State<M>, count: usize) {
        let first = state.idle.len().saturating_sub(count);
        state
            .idle
            .drain(first..)
            .for_each(|worker| self.wakes[worker].notify_one());
    }

    /// Returns the highest priority of the queued images.
    pub(super) fn priority(&self) -> Priority {
        let live = self.live_waiting.load(Ordering::Relaxed) > 0;
        if live {
            Priority::Live
        } else {
            Priority::Background
        }
    }

    /// Estimates the time that the workers need for the queued live images from their measured speed.
    pub(super) fn estimated_wait(&self) -> Duration {
        let waiting = u64::try_from(self.lock().live.len()).unwrap_or(u64::MAX);
        let workers = u64::try_from(self.options.instances.max(1)).unwrap_or(u64::MAX);
        let nanos = self.image_nanos.load(Ordering::Relaxed);
        Duration::from_nanos(nanos.saturating_mul(waiting) / workers)
    }

    /// Records how long one worker took for a batch. One of two concurrent updates may be lost, because the average is only
    /// an estimate.
    pub(super) fn record_batch_latency(&self, took: Duration, images: usize) {
        let images = u128::try_from(images.max(1)).unwrap_or(u128::MAX);
        let new = u64::try_from(took.as_nanos() / images).unwrap_or(u64::MAX);
        let old = self.image_nanos.load(Ordering::Relaxed);
        let average = if old == 0 {
            new
        } else {
            old - old / 8 + new / 8
        };
        self.image_nanos.store(average, Ordering::Relaxed);
    }

    /// Records a successful call of a worker, unless some of the workers' cores are free.
    pub(super) fn record_call(&self, worker: usize, images: usize, took: Duration) {
        let cores = self.options.instances * self.options.intra_op_threads;
        if self.cores.reserved() >= cores.min(self.cores.total())
            && let Some(durations) = self.call_durations.get(worker)
        {
            durations.record(images, took);
        }
    }

    /// Updates the queue gauges, which all versions of a model share, by the changes of the lengths.
    pub(super) fn publish(&self, state: &mut State<M>) {
        let count = |images: usize| i64::try_from(images).unwrap_or(i64::MAX);
        for priority in [Priority::Live, Priority::Background] {
            let queued = state.jobs_mut(priority).len();
            let published = &mut state.published[priority as usize];
            if queued != *published {
                let change = count(queued) - count(*published);
                self.metrics.add_queued_images(priority, change);
                *published = queued;
            }
        }
        self.live_waiting.store(state.live.len(), Ordering::Relaxed);
    }

    fn fits(&self, state: &mut State<M>, images: usize, priority: Priority) -> bool {
        let capacity = self.options.max_queue_size;
        if state.jobs_mut(priority).len().saturating_add(images) <= capacity {
            return true;
        }
        if images > capacity {
            return false;
        }
        let now = Instant::now();
        state
            .jobs_mut(priority)
            .retain(|job| match job.responder.drop_reason(now) {
                Some(outcome) => {
                    self.metrics.count_images(priority, outcome, 1);
                    false
                }
                None => true,
            });
        self.publish(state);
        state.jobs_mut(priority).len() + images <= capacity
    }
}
