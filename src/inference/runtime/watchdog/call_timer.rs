//! The time of the calls of one session.

use std::sync::{Arc, atomic::Ordering};

use mien_host::sync::lock;
use ort::session::RunOptions;

use super::{CallKind, IDLE, NONE, Shared, TERMINATED, TRIAL_FACTOR, Watched};
use crate::inference::InferenceError;

/// Measures the time of the calls of one session.
pub(in crate::inference) struct CallTimer {
    pub(super) watched: Arc<Watched>,
    pub(super) shared: Arc<Shared>,
}

impl CallTimer {
    /// The options of the session's calls.
    pub(in crate::inference) fn options(&self) -> &RunOptions {
        &self.watched.options
    }

    /// Starts the time of a call.
    pub(in crate::inference) fn start(&self, kind: CallKind) {
        let ticks = self.shared.ticks_of(self.shared.limit(kind));
        let now = self.shared.ticks.load(Ordering::Relaxed);
        let expiry = now.saturating_add(ticks).min(TERMINATED - 1);
        let is_trial = kind == CallKind::Trial;
        self.watched.is_trial.store(is_trial, Ordering::Relaxed);
        self.watched.expiry.store(expiry, Ordering::Release);
    }

    /// Ends the time of a call. The error of a terminated call becomes a time-out.
    ///
    /// # Errors
    /// Returns the error of the call.
    pub(in crate::inference) fn end<T>(
        &self,
        kind: CallKind,
        result: Result<T, InferenceError>,
    ) -> Result<T, InferenceError> {
        match (self.stop(), result) {
            (true, Err(_)) => Err(InferenceError::Timeout(self.reason(kind))),
            (_, result) => result,
        }
    }

    /// Ends the time of a call and returns whether the call was terminated.
    fn stop(&self) -> bool {
        if self.watched.expiry.swap(IDLE, Ordering::AcqRel) != TERMINATED {
            return false;
        }
        // The thread may not have set the flag yet.
        let _guard = lock(&self.watched.termination);
        let reset = self.watched.options.unterminate();
        reset.unwrap_or_else(|error| tracing::error!(%error, "cannot reset the termination"));
        true
    }

    /// Returns why a terminated call has no result.
    fn reason(&self, kind: CallKind) -> String {
        if self.shared.stopped.load(Ordering::Relaxed) != NONE {
            return "the inference was terminated because the server stops".to_owned();
        }
        let limit = humantime::format_duration(self.shared.limit(kind));
        match kind {
            CallKind::Batch => {
                format!("the inference did not end within {limit} (--inference-timeout)")
            }
            CallKind::Trial => format!(
                "the trial inference did not end within {limit} ({TRIAL_FACTOR} times --inference-timeout); \
                 correct the model or raise the limit"
            ),
        }
    }
}
