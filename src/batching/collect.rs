//! Forms a batch: a fair share of what waits, without the images that nobody waits for any more.

use std::{
    collections::VecDeque,
    sync::{PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use super::{
    cores::Permit,
    job::Job,
    queue::{Queue, State},
};

/// How long after a live image the background still makes way for the next one.
const MAKE_WAY: Duration = Duration::from_secs(1);

/// Images to run together. Dropping it gives the cores back.
pub(super) struct Batch<'a> {
    pub(super) jobs: Vec<Job>,
    _turn: Turn<'a>,
}

struct Turn<'a> {
    queue: &'a Queue,
    background: bool,
    _permit: Permit<'a>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.background {
            let mut state = self.queue.lock();
            state.background_runs -= 1;
            self.queue.wake(&mut state, 1);
        }
    }
}

/// What a worker could take.
enum Work {
    Live,
    /// At most so many images.
    Background(usize),
    /// Nothing now; look again after the time, or when there is news.
    Wait(Option<Duration>),
    /// Nothing ever again.
    End,
}

impl Queue {
    /// Blocks until there are images and cores to run them, and takes the next batch: 1 to `max_batch` images of
    /// one priority, oldest first. `None` once the queue is closed and empty. `worker` is the index of who asks.
    pub(super) fn next_batch(&self, worker: usize) -> Option<Batch<'_>> {
        self.lock().looking += 1;
        let batch = loop {
            if !self.wait(worker) {
                break None;
            }
            // Cores first: what arrives while they are waited for joins the batch.
            let permit = self.cores.acquire(self.options.intra_op_threads, || self.priority());
            self.ready.fetch_add(1, Ordering::Relaxed);
            let taken = self.take();
            self.ready.fetch_sub(1, Ordering::Relaxed);
            if let Some((jobs, background)) = taken {
                let turn = Turn { queue: self, background, _permit: permit };
                break Some(Batch { jobs, _turn: turn });
            }
        };
        self.lock().looking -= 1;
        batch
    }

    /// Blocks until there is something to take; false when there never will be.
    fn wait(&self, worker: usize) -> bool {
        let mut state = self.lock();
        loop {
            let time = match self.work(&state) {
                Work::Live | Work::Background(_) => return true,
                Work::End => return false,
                Work::Wait(time) => time,
            };
            state.idle.push(worker);
            let wake = &self.wakes[worker];
            state = match time {
                None => wake.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(time) => {
                    wake.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
                }
            };
            // Whoever woke it took it off the list; time did not.
            state.idle.retain(|&other| other != worker);
        }
    }

    /// The living among the next images and whether they are of the background, where this worker's share holds any.
    fn take(&self) -> Option<(Vec<Job>, bool)> {
        let mut state = self.lock();
        // Others that would start as well if this one left them something.
        let ready = self.ready.load(Ordering::Relaxed).saturating_sub(1);
        let room = self.cores.room(self.options.intra_op_threads);
        let others = ready.saturating_add(room).min(state.looking.saturating_sub(1));
        // What was held back to fill a batch is not split up again: the rest would wait for the whole delay.
        let others = if self.options.max_queue_delay.is_zero() { others } else { 0 };
        let most = self.options.max_batch.max(1);
        let (jobs, background) = match self.work(&state) {
            Work::Live => {
                let size = share(state.live.len(), others, most);
                (self.living(&mut state.live, size), false)
            }
            Work::Background(most) => {
                let size = share(state.background.len(), others, most);
                (self.living(&mut state.background, size), true)
            }
            Work::Wait(_) | Work::End => return None,
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

    /// Live images go first. While they come, the background takes one image at a time and leaves a worker free,
    /// so that a live one rarely finds every core in the middle of a large batch.
    fn work(&self, state: &State) -> Work {
        let wait = |time| Work::Wait(Some(time));
        if !state.live.is_empty() {
            return self.time_to_fill(&state.live, state.closed).map_or(Work::Live, wait);
        }
        if state.background.is_empty() {
            return if state.closed { Work::End } else { Work::Wait(None) };
        }
        let quiet = state.last_live.filter(|_| !state.closed).map_or(MAKE_WAY, |l| l.elapsed());
        match MAKE_WAY.checked_sub(quiet).filter(|rest| !rest.is_zero()) {
            None => {
                let work = Work::Background(self.options.max_batch.max(1));
                self.time_to_fill(&state.background, state.closed).map_or(work, wait)
            }
            Some(_) if state.background_runs < self.options.instances.saturating_sub(1).max(1) => {
                Work::Background(1)
            }
            Some(rest) => wait(rest),
        }
    }

    /// How much longer a batch that is not full may wait for more images.
    fn time_to_fill(&self, jobs: &VecDeque<Job>, closed: bool) -> Option<Duration> {
        if jobs.len() >= self.options.max_batch || closed || self.options.max_queue_delay.is_zero()
        {
            return None;
        }
        let rest = self.options.max_queue_delay.checked_sub(jobs.front()?.enqueued.elapsed());
        rest.filter(|rest| !rest.is_zero())
    }

    /// Takes up to `size` living jobs off the front; dead ones on the way are dropped and counted.
    fn living(&self, jobs: &mut VecDeque<Job>, size: usize) -> Vec<Job> {
        let now = Instant::now();
        let mut batch = Vec::with_capacity(size);
        while batch.len() < size
            && let Some(job) = jobs.pop_front()
        {
            match job.reply.dead(now) {
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
    waiting.div_ceil(idle.saturating_add(1)).clamp(1, max_batch.max(1))
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::{super::*, *};
    use crate::{inference::Labels, metrics::Metrics};

    #[test]
    fn shares_with_idle_workers() {
        assert_eq!(share(8, 0, 32), 8);
        assert_eq!(share(8, 1, 32), 4);
        assert_eq!(share(9, 1, 32), 5);
        assert_eq!(share(1, 3, 32), 1);
        assert_eq!(share(64, 1, 8), 8);
        assert_eq!(share(3, usize::MAX, 8), 1);
    }

    #[test]
    fn the_background_makes_way_while_live_images_come() {
        let labels = Labels::new(vec!["a".to_owned(), "b".to_owned()]).unwrap();
        let max_queue_delay = Duration::ZERO;
        let options = BatchOptions {
            max_queue_size: 8,
            max_batch: 8,
            max_queue_delay,
            instances: 2,
            intra_op_threads: 1,
        };
        let queue = Queue::new(options, Cores::new(2), Metrics::new().model("m", &labels));
        let (sender, _receiver) = oneshot::channel();
        let input = Input::Tensor(Box::default());
        let job = Job { input, enqueued: Instant::now(), reply: Reply { sender, deadline: None } };
        let mut state = State::default();
        assert!(matches!(queue.work(&state), Work::Wait(None)));
        state.background.push_back(job);
        assert!(matches!(queue.work(&state), Work::Background(8)));
        // The clock cannot catch up with this live image while the test runs.
        state.last_live = Some(Instant::now() + Duration::from_secs(3600));
        assert!(matches!(queue.work(&state), Work::Background(1)));
        state.background_runs = 1;
        assert!(matches!(queue.work(&state), Work::Wait(Some(_))));
        state.closed = true;
        assert!(matches!(queue.work(&state), Work::Background(8)));
    }
}
