//! State of a model whose inference calls exceed their time limit repeatedly.

use std::sync::{
    OnceLock,
    atomic::{AtomicU32, Ordering},
};

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

    /// Records that an inference call ended in time.
    pub(super) fn record_call_in_time(&self) {
        // Usually the count is 0 already, and a load is cheaper than a store.
        if self.timeouts.load(Ordering::Relaxed) != 0 {
            self.timeouts.store(0, Ordering::Relaxed);
        }
    }

    /// Records that an inference call exceeded its time limit. After [`MAX_TIMEOUTS`] in a row, returns why the model must be taken
    /// out of service.
    pub(super) fn record_timeout(&self, reason: &str) -> Option<String> {
        let timeouts = self.timeouts.fetch_add(1, Ordering::Relaxed) + 1;
        (timeouts >= MAX_TIMEOUTS).then(|| {
            format!(
                "out of service after {MAX_TIMEOUTS} time-outs in a row: {reason}; correct the model or raise the limit, and load the model again"
            )
        })
    }

    /// Takes the model out of service. Returns whether it was in service.
    pub(super) fn begin(&self, reason: String) -> bool {
        self.reason.set(reason).is_ok()
    }

    /// Calls the handler.
    pub(super) fn notify(&self, reason: &str) {
        if let Some(handler) = self.handler.get() {
            handler(reason);
        }
    }
}
