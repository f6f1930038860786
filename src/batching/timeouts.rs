//! Takes a model out of service whose inference calls exceed their time limit repeatedly.

use super::{BatchError, queue::Queue};
use crate::inference::Model;

impl<M: Model + ?Sized> Queue<M> {
    /// Records that an inference call exceeded its time limit. After several in a row, rejects further images and fails the queued
    /// ones.
    pub(super) fn record_timeout(&self, reason: &str) {
        self.metrics.count_inference_timeout();
        if let Some(reason) = self.suspension.record_timeout(reason) {
            self.suspend(reason);
        }
    }

    fn suspend(&self, reason: String) {
        let mut state = self.lock();
        if !self.suspension.begin(reason.clone()) {
            return;
        }
        let mut jobs = std::mem::take(&mut state.live);
        jobs.append(&mut state.background);
        self.publish(&mut state);
        drop(state);
        for job in jobs {
            let error = BatchError::InferenceTimeout(reason.clone());
            job.responder.send(Err(error), &self.metrics);
        }
        self.suspension.notify(&reason);
    }
}
