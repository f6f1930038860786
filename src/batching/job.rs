//! One image on its way through the queue, and its answer on the way back.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::BatchError;
use crate::{
    inference::{Answer, Input},
    metrics::{ModelMetrics, Outcome},
};

/// An image that waits for its answer.
pub(super) struct Job {
    pub(super) input: Input,
    pub(super) enqueued: Instant,
    pub(super) reply: Reply,
}

/// An answer with the times that it took.
pub(super) struct Delivery {
    pub(super) answer: Answer,
    /// In the queue.
    pub(super) queue: Duration,
    /// The run of its batch.
    pub(super) inference: Duration,
}

/// Where the answer goes.
pub(super) struct Reply {
    pub(super) sender: oneshot::Sender<Result<Delivery, BatchError>>,
    pub(super) deadline: Option<Instant>,
}

impl Reply {
    /// Why nobody wants the answer any more, if so.
    pub(super) fn dead(&self, now: Instant) -> Option<Outcome> {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            Some(Outcome::Expired)
        } else if self.sender.is_closed() {
            Some(Outcome::Cancelled)
        } else {
            None
        }
    }

    /// Counts the image, once, by what becomes of it, and hands the answer over: whoever has it finds it counted.
    pub(super) fn send(self, answer: Result<Delivery, BatchError>, metrics: &ModelMetrics) {
        let delivered = if answer.is_ok() { Outcome::Ok } else { Outcome::Failed };
        let outcome = if !self.sender.is_closed() {
            delivered
        } else if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            Outcome::Expired
        } else {
            Outcome::Cancelled
        };
        metrics.images(outcome, 1);
        // The receiver may have gone just now.
        let _ = self.sender.send(answer);
    }
}
