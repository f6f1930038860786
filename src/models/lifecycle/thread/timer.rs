//! A recurring task of the thread.

use std::time::{Duration, Instant};

/// The time until a task is due again.
pub(super) struct Timer {
    /// `None` if the task is disabled.
    interval: Option<Duration>,
    last: Instant,
}

impl Timer {
    /// Creates a timer whose task is due after the interval.
    pub(super) fn new(interval: Option<Duration>) -> Self {
        Self {
            interval,
            last: Instant::now(),
        }
    }

    /// Returns the time until the task is due; `None` if it is disabled.
    pub(super) fn remaining(&self) -> Option<Duration> {
        let interval = self.interval?;
        Some(interval.saturating_sub(self.last.elapsed()))
    }

    pub(super) fn is_due(&self) -> bool {
        self.remaining() == Some(Duration::ZERO)
    }

    /// Starts the next interval.
    pub(super) fn restart(&mut self) {
        self.last = Instant::now();
    }
}
