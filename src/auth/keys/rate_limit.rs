//! A token bucket. Each image takes a token; tokens are added at a constant rate up to the burst.
//!
//! The crate `governor` does not return the number of remaining tokens of a rejected request, which the header `RateLimit` has.

use std::time::{Duration, Instant};

use super::document::Rate;

/// A bucket that is full at first.
#[derive(Debug)]
pub(super) struct TokenBucket {
    rate: Rate,
    /// 0 to the burst.
    tokens: f64,
    updated: Instant,
}

/// Why tokens are not available.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shortage {
    /// The tokens are available after a time.
    Wait {
        /// Whole tokens that are available now.
        remaining: u32,
        /// Time until the requested tokens are available.
        retry_after: Duration,
    },
    /// The burst is smaller than the requested number.
    Never,
}

impl TokenBucket {
    /// Creates a full bucket.
    pub(super) fn new(rate: Rate, now: Instant) -> Self {
        Self {
            rate,
            tokens: f64::from(rate.burst),
            updated: now,
        }
    }

    /// Returns the number of tokens, 0 to the burst.
    pub(super) fn available(&self, now: Instant) -> f64 {
        let added =
            now.saturating_duration_since(self.updated).as_secs_f64() * self.rate.images_per_second;
        (self.tokens + added).min(f64::from(self.rate.burst))
    }

    /// Takes tokens, either all or none.
    ///
    /// # Errors
    /// Returns when the tokens are available.
    pub(super) fn take(&mut self, count: u32, now: Instant) -> Result<(), Shortage> {
        self.tokens = self.available(now);
        self.updated = self.updated.max(now);
        let count = f64::from(count);
        if count > f64::from(self.rate.burst) {
            return Err(Shortage::Never);
        }
        if count > self.tokens {
            let seconds = (count - self.tokens) / self.rate.images_per_second;
            return Err(Shortage::Wait {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "tokens are 0 to the burst, which is a u32"
                )]
                remaining: self.tokens as u32,
                retry_after: Duration::from_secs_f64(seconds),
            });
        }
        self.tokens -= count;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATE: Rate = Rate {
        images_per_second: 10.0,
        burst: 20,
    };

    fn after(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    #[test]
    fn burst_is_available_at_once_then_rate_applies() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(RATE, start);
        assert_eq!(bucket.take(20, start), Ok(()));
        let shortage = Shortage::Wait {
            remaining: 0,
            retry_after: Duration::from_millis(100),
        };
        assert_eq!(bucket.take(1, start), Err(shortage));
        assert_eq!(bucket.take(1, after(start, 100)), Ok(()));
        let shortage = Shortage::Wait {
            remaining: 5,
            retry_after: Duration::from_millis(500),
        };
        assert_eq!(bucket.take(10, after(start, 600)), Err(shortage));
        assert_eq!(bucket.take(5, after(start, 600)), Ok(()));
    }

    #[test]
    fn unused_tokens_do_not_exceed_burst() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(RATE, start);
        let later = after(start, 3_600_000);
        assert_eq!(bucket.take(21, later), Err(Shortage::Never));
        assert_eq!(bucket.take(20, later), Ok(()));
        assert!(bucket.take(1, later).is_err());
    }

    proptest! {
        #[test]
        fn taken_tokens_never_exceed_burst_and_rate(
            requests in prop::collection::vec((1_u32..30, 0_u64..2000), 1..50),
        ) {
            let start = Instant::now();
            let mut bucket = TokenBucket::new(RATE, start);
            let (mut millis, mut taken) = (0, 0.0);
            for (count, pause) in requests {
                millis += pause;
                if bucket.take(count, after(start, millis)).is_ok() {
                    taken += f64::from(count);
                }
                #[expect(clippy::cast_precision_loss, reason = "the sum of the pauses is small")]
                let available = 20.0 + millis as f64 / 1000.0 * 10.0;
                prop_assert!(taken <= available + 1e-6, "{taken} of {available}");
            }
        }
    }
}
