//! One queued image and its result.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::{BatchError, Priority};
use crate::{
    inference::Model,
    metrics::{ModelMetrics, Outcome},
};

/// A queued image.
pub(super) struct Job<M: Model + ?Sized> {
    pub(super) input: M::Input,
    pub(super) enqueued: Instant,
    pub(super) responder: Responder<M::Output>,
}

/// The result of one image with its times.
pub(super) struct JobResult<O> {
    pub(super) output: O,
    /// Time in the queue.
    pub(super) queue: Duration,
    /// The inference call that the image was part of.
    pub(super) call: InferenceCall,
}

/// One call of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InferenceCall {
    /// Start of the call.
    pub start: Instant,
    /// Duration of the call.
    pub duration: Duration,
    /// Number of images of the call, of this request and others.
    pub images: usize,
}

/// Sends the result of one image to its request.
pub(super) struct Responder<O> {
    pub(super) priority: Priority,
    pub(super) sender: oneshot::Sender<Result<JobResult<O>, BatchError>>,
    pub(super) deadline: Option<Instant>,
}

impl<O> Responder<O> {
    /// Returns why the result is not needed any more: the deadline has passed or the request was dropped.
    pub(super) fn drop_reason(&self, now: Instant) -> Option<Outcome> {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            Some(Outcome::Expired)
        } else if self.sender.is_closed() {
            Some(Outcome::Cancelled)
        } else {
            None
        }
    }

    /// Records the outcome of the image and then sends the result, so that a client that has its response finds it in the
    /// metrics.
    pub(super) fn send(self, result: Result<JobResult<O>, BatchError>, metrics: &ModelMetrics) {
        let sent = if result.is_ok() {
            Outcome::Ok
        } else {
            Outcome::Failed
        };
        let outcome = if !self.sender.is_closed() {
            sent
        } else if self
            .deadline
            .is_some_and(|deadline| deadline <= Instant::now())
        {
            Outcome::Expired
        } else {
            Outcome::Cancelled
        };
        metrics.count_images(self.priority, outcome, 1);
        // The receiver may have been dropped just now.
        let _ = self.sender.send(result);
    }
}
