//! Forms a batch: a fair share of the queued images, without expired and cancelled ones.

use std::{
    collections::VecDeque,
    sync::{PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use super::{cpu_budget::Permit, job::Job, queue::Queue, queue_state::State};
use crate::inference::Model;

/// Time after the last live image during which background batches stay small.
const LIVE_QUIET_PERIOD: Duration = Duration::from_secs(1);

/// Images for one inference call. Dropping it releases the cores.
pub(super) struct Batch<'a, M: Model + ?Sized> {
    pub(super) jobs: Vec<Job<M>>,
    _guard: BatchGuard<'a, M>,
}

struct BatchGuard<'a, M: Model + ?Sized> {
    queue: &'a Queue<M>,
    background: bool,
    _permit: Permit<'a>,
}

impl<M: Model + ?Sized> Drop for BatchGuard<'_, M> {
    fn drop(&mut self) {
        if self.background {
            let mut state = self.queue.lock();
            state.background_runs -= 1;
            self.queue.wake(&mut state, 1);
        }
    }
}

/// The next action of a worker.
enum NextWork {
    Live,
    /// Take at most this number of background images.
    Background(usize),
    /// Sleep until it is woken, or for at most this time.
    Wait(Option<Duration>),
    /// End, because the queue is closed and empty.
    End,
}

impl<M: Model + ?Sized> Queue<M> {
    /// Blocks until images and cores are available and takes the next batch: 1 to `max_batch` images of one priority,
    /// oldest first. Returns `None` if the queue is closed and empty. `worker` is the index of the calling worker.
    pub(super) fn next_batch(&self, worker: usize) -> Option<Batch<'_, M>> {
        self.lock().polling_workers += 1;
        let batch = loop {
            if !self.wait(worker) {
                break None;
            }
            // Cores are acquired first, so that images that arrive meanwhile join the batch.
            let permit = self
                .cores
                .acquire(self.options.intra_op_threads, || self.priority());
            self.ready.fetch_add(1, Ordering::Relaxed);
            let taken = self.take();
            self.ready.fetch_sub(1, Ordering::Relaxed);
            if let Some((jobs, background)) = taken {
                let guard = BatchGuard {
                    queue: self,
                    background,
                    _permit: permit,
                };
                break Some(Batch {
                    jobs,
                    _guard: guard,
                });
            }
        };
        self.lock().polling_workers -= 1;
        batch
    }

    /// Blocks until images can be taken; returns false if the queue is closed and empty.
    fn wait(&self, worker: usize) -> bool {
        let mut state = self.lock();
        loop {
            let time = match self.next_work(&state) {
                NextWork::Live | NextWork::Background(_) => return true,
                NextWork::End => return false,
                NextWork::Wait(time) => time,
            };
            state.idle.push(worker);
            let wake = &self.wakes[worker];
            state = match time {
                None => wake.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(time) => {
                    wake.wait_timeout(state, time)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
            // After a timeout the worker is still on the list.
            state.idle.retain(|&other| other != worker);
        }
    }

    /// Takes this worker's share of runnable images and returns whether they are background images; `None` if there are
    /// none.
    fn take(&self) -> Option<(Vec<Job<M>>, bool)> {
        let mut state = self.lock();
        // Other workers that could start now.
        let ready = self.ready.load(Ordering::Relaxed).saturating_sub(1);
        let available = self.cores.available(self.options.intra_op_threads);
        let others = ready
            .saturating_add(available)
            .min(state.polling_workers.saturating_sub(1));
        // A batch that was delayed to fill up is not split, because the rest would wait for the whole delay again.
        let others = if self.options.max_queue_delay.is_zero() {
            others
        } else {
            0
        };
        let max_batch = self.max_batch();
        let (jobs, background) = match self.next_work(&state) {
            NextWork::Live => {
                let size = fair_share(state.live.len(), others, max_batch);
                (self.take_runnable(&mut state.live, size), false)
            }
            NextWork::Background(limit) => {
                let size = fair_share(state.background.len(), others, limit);
                (self.take_runnable(&mut state.background, size), true)
            }
            NextWork::Wait(_) | NextWork::End => return None,
        };
        self.publish(&mut state);
        let background = background && !jobs.is_empty();
        state.background_runs += usize::from(background);
        if state.len() > 0 {
            self.wake(&mut state, 1);
        }
        drop(state);
        (!jobs.is_empty()).then_some((jobs, background))
    }

    /// Serves live images first. For a while after each live image, background batches have one image and leave one worker
    /// idle, so that the next live image rarely finds all cores busy with large batches.
    fn next_work(&self, state: &State<M>) -> NextWork {
        let wait = |time| NextWork::Wait(Some(time));
        if !state.live.is_empty() {
            return self
                .time_to_fill(&state.live, state.closed)
                .map_or(NextWork::Live, wait);
        }
        if state.background.is_empty() {
            return if state.closed {
                NextWork::End
            } else {
                NextWork::Wait(None)
            };
        }
        let quiet = state
            .last_live
            .filter(|_| !state.closed)
            .map_or(LIVE_QUIET_PERIOD, |last| last.elapsed());
        match LIVE_QUIET_PERIOD
            .checked_sub(quiet)
            .filter(|rest| !rest.is_zero())
        {
            None => {
                let work = NextWork::Background(self.max_batch());
                self.time_to_fill(&state.background, state.closed)
                    .map_or(work, wait)
            }
            Some(_) if state.background_runs < self.options.instances.saturating_sub(1).max(1) => {
                NextWork::Background(1)
            }
            Some(rest) => wait(rest),
        }
    }

    /// Returns how much longer a batch that is not full may wait for more images.
    fn time_to_fill(&self, jobs: &VecDeque<Job<M>>, closed: bool) -> Option<Duration> {
        if jobs.len() >= self.max_batch() || closed || self.options.max_queue_delay.is_zero() {
            return None;
        }
        let rest = self
            .options
            .max_queue_delay
            .checked_sub(jobs.front()?.enqueued.elapsed());
        rest.filter(|rest| !rest.is_zero())
    }

    /// Pops up to `size` runnable jobs. Expired and cancelled jobs are dropped and counted.
    fn take_runnable(&self, jobs: &mut VecDeque<Job<M>>, size: usize) -> Vec<Job<M>> {
        let now = Instant::now();
        let mut batch = Vec::with_capacity(size);
        while batch.len() < size
            && let Some(job) = jobs.pop_front()
        {
            match job.responder.drop_reason(now) {
                Some(outcome) => self
                    .metrics
                    .count_images(job.responder.priority, outcome, 1),
                None => batch.push(job),
            }
        }
        batch
    }
}

/// Returns how many of the queued images one worker takes, so that idle workers get a share too: two workers finish two
/// images sooner than one worker in a batch of two.
fn fair_share(waiting: usize, idle: usize, max_batch: usize) -> usize {
    waiting.div_ceil(idle.saturating_add(1)).clamp(1, max_batch)
}

#[cfg(test)]
mod tests;
