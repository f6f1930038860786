//! The rate limit of messages.

use std::{num::NonZeroUsize, time::Duration};

use tokio::time::Instant;

const WINDOW: Duration = Duration::from_secs(1);

/// Counts the messages of a connection per second.
pub(super) struct RateLimit {
    max: usize,
    /// Start of the current second.
    start: Instant,
    count: usize,
}

impl RateLimit {
    /// Creates a limit of `max` messages per second.
    pub(super) fn new(max: NonZeroUsize, now: Instant) -> Self {
        Self {
            max: max.get(),
            start: now,
            count: 0,
        }
    }

    /// Counts a message. Returns whether the limit is kept.
    pub(super) fn allows(&mut self, now: Instant) -> bool {
        if now.duration_since(self.start) >= WINDOW {
            (self.start, self.count) = (now, 0);
        }
        self.count += 1;
        self.count <= self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_allows_maximum() {
        let start = Instant::now();
        let mut limit = RateLimit::new(NonZeroUsize::new(2).unwrap(), start);
        let mut allows = |millis| limit.allows(start + Duration::from_millis(millis));
        assert_eq!(
            [0, 999, 1000, 1500, 1999, 2000].map(&mut allows),
            [true, true, true, true, false, true]
        );
    }
}
