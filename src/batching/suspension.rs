//! Takes a model out of service whose inference calls exceed their time limit repeatedly.

use std::sync::{
    OnceLock,
    atomic::{AtomicU32, Ordering},
};

use super::{BatchError, queue::Queue};

/// Number of inference calls in a row that exceed their time limit until the model is taken out of service.
const MAX_TIMEOUTS: u32 = 3;

/// Is called once with the reason.
type Handler = Box<dyn Fn(&str) + Send + Sync>;

/// Counts time-outs of a model and remembers why it was taken out of service.
#[derive(Default)]
pub(super) struct Suspension {
    /// Number of time-outs since the last call that ended in time.
    timeouts: AtomicU32,
    reason: OnceLock<String>,
    handler: OnceLock<Handler>,
}

impl Suspension {
    /// Returns why the model is out of service.
    pub(super) fn reason(&self) -> Option<&str> {
        self.reason.get().map(String::as_str)
    }

    /// Sets the handler of a suspension. Later calls have no effect.
    pub(super) fn set_handler(&self, handler: Handler) {
        let _ = self.handler.set(handler);
    }
}

impl Queue {
    /// Records that an inference call ended in time.
    pub(super) fn record_call_in_time(&self) {
        let timeouts = &self.suspension.timeouts;
        // Usually the count is 0 already, and a load is cheaper than a store.
        if timeouts.load(Ordering::Relaxed) != 0 {
            timeouts.store(0, Ordering::Relaxed);
        }
    }

    /// Records that an inference call exceeded its time limit, and takes the model out of service after the last of
    /// [`MAX_TIMEOUTS`] in a row.
    pub(super) fn record_timeout(&self, reason: &str) {
        self.metrics.count_inference_timeout();
        if self.suspension.timeouts.fetch_add(1, Ordering::Relaxed) + 1 >= MAX_TIMEOUTS {
            self.suspend(format!(
                "out of service after {MAX_TIMEOUTS} time-outs in a row: {reason}; correct the model or raise the limit, and load the model again"
            ));
        }
    }

    /// Rejects further images and fails the queued ones.
    fn suspend(&self, reason: String) {
        let mut state = self.lock();
        if self.suspension.reason.set(reason).is_err() {
            return;
        }
        let mut jobs = std::mem::take(&mut state.live);
        jobs.append(&mut state.background);
        self.publish(&mut state);
        drop(state);
        let reason = self.suspension.reason().unwrap_or_default();
        for job in jobs {
            let error = BatchError::InferenceTimeout(reason.to_owned());
            job.responder.send(Err(error), &self.metrics);
        }
        if let Some(handler) = self.suspension.handler.get() {
            handler(reason);
        }
    }
}
