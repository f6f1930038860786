//! The images in the queue of a model and its workers.

use std::{collections::VecDeque, time::Instant};

use super::{Priority, job::Job};
use crate::inference::Model;

/// The state of a queue behind its lock.
pub(super) struct State<M: Model + ?Sized> {
    pub(super) live: VecDeque<Job<M>>,
    pub(super) background: VecDeque<Job<M>>,
    /// Arrival of the last live image.
    pub(super) last_live: Option<Instant>,
    /// Arrival of the last image of any priority.
    pub(super) last: Option<Instant>,
    /// Number of background batches that are running.
    pub(super) background_runs: usize,
    /// Sleeping workers, in the order in which they became idle.
    pub(super) idle: Vec<usize>,
    /// Number of workers that are waiting for images or for cores.
    pub(super) polling_workers: usize,
    pub(super) closed: bool,
    /// The length that the gauge shows.
    pub(super) published: [usize; 2],
}

impl<M: Model + ?Sized> Default for State<M> {
    fn default() -> Self {
        Self {
            live: VecDeque::new(),
            background: VecDeque::new(),
            last_live: None,
            last: None,
            background_runs: 0,
            idle: Vec::new(),
            polling_workers: 0,
            closed: false,
            published: [0; 2],
        }
    }
}

impl<M: Model + ?Sized> State<M> {
    pub(super) fn len(&self) -> usize {
        self.live.len() + self.background.len()
    }

    pub(super) fn jobs_mut(&mut self, priority: Priority) -> &mut VecDeque<Job<M>> {
        match priority {
            Priority::Live => &mut self.live,
            Priority::Background => &mut self.background,
        }
    }
}
