//! Forms a batch: a fair share of what waits, without the images that nobody waits for any more.

use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

use super::queue::{Job, Queue, State};

impl Queue {
    /// Blocks until there are images and takes the next batch, 1 to `max_batch` images, oldest first;
    /// `None` once the queue is closed and empty.
    pub(super) fn next_batch(&self) -> Option<Vec<Job>> {
        let mut state = self.lock();
        loop {
            if state.jobs.is_empty() {
                if state.closed {
                    return None;
                }
                state.idle += 1;
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
                continue;
            }
            if let Some(rest) = self.time_to_fill(&state) {
                let waited = self.wake.wait_timeout(state, rest);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            let size = share(state.jobs.len(), state.idle, self.options.max_batch);
            let batch = self.take(&mut state, size);
            self.publish(&mut state);
            if !state.jobs.is_empty() {
                self.wake.notify_one();
            }
            if !batch.is_empty() {
                return Some(batch);
            }
        }
    }

    /// How much longer a batch that is not full may wait for more images.
    fn time_to_fill(&self, state: &State) -> Option<Duration> {
        let full = state.jobs.len() >= self.options.max_batch;
        if full || state.closed || self.options.max_delay.is_zero() {
            return None;
        }
        let waited = state.jobs.front()?.enqueued.elapsed();
        self.options.max_delay.checked_sub(waited).filter(|rest| !rest.is_zero())
    }

    /// Takes up to `size` living jobs off the front; dead ones on the way are dropped and counted.
    fn take(&self, state: &mut State, size: usize) -> Vec<Job> {
        let now = Instant::now();
        let mut batch = Vec::with_capacity(size);
        while batch.len() < size
            && let Some(job) = state.jobs.pop_front()
        {
            match job.dead(now) {
                Some(outcome) => self.metrics.images(outcome, 1),
                None => batch.push(job),
            }
        }
        batch
    }
}

/// How many of the waiting images one worker takes, so that those that are idle too get their part:
/// two workers finish two images sooner side by side than one of them does in a batch of two.
fn share(waiting: usize, idle: usize, max_batch: usize) -> usize {
    waiting.div_ceil(idle + 1).clamp(1, max_batch.max(1))
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn shares_with_idle_workers() {
        assert_eq!(share(8, 0, 32), 8);
        assert_eq!(share(8, 1, 32), 4);
        assert_eq!(share(9, 1, 32), 5);
        assert_eq!(share(1, 3, 32), 1);
        assert_eq!(share(64, 1, 8), 8);
    }
}
