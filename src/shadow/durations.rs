//! A histogram of durations with bounded memory.

use std::time::Duration;

/// Number of buckets per doubling of the duration. A quantile differs from the exact one by at most 4.5 %.
const BUCKETS_PER_OCTAVE: f64 = 8.0;
/// Number of buckets; the last one starts at 2^27 µs, which is 134 s.
const BUCKETS: usize = 27 * 8 + 1;

/// Counts durations in buckets whose bounds grow by the same factor. Durations below 1 µs count as 1 µs.
#[derive(Debug, Clone)]
pub(super) struct Durations {
    counts: Box<[u64]>,
    total: u64,
}

impl Default for Durations {
    fn default() -> Self {
        Self {
            counts: vec![0; BUCKETS].into(),
            total: 0,
        }
    }
}

impl Durations {
    pub(super) fn record(&mut self, duration: Duration) {
        let micros = (duration.as_secs_f64() * 1e6).max(1.0);
        let bucket = (micros.log2() * BUCKETS_PER_OCTAVE) as usize;
        self.counts[bucket.min(BUCKETS - 1)] += 1;
        self.total += 1;
    }

    /// Returns a quantile in milliseconds, or `None` without durations.
    pub(super) fn quantile_ms(&self, share: f64) -> Option<f64> {
        let rank = ((share * self.total as f64).ceil() as u64).max(1);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                // The geometric mean of the bounds of the bucket.
                let micros = ((bucket as f64 + 0.5) / BUCKETS_PER_OCTAVE).exp2();
                return Some(micros / 1e3);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_five_percent() {
        let mut durations = Durations::default();
        assert_eq!(durations.quantile_ms(0.5), None);
        for micros in 1..=20_000_u64 {
            durations.record(Duration::from_micros(micros));
        }
        for (share, exact) in [(0.01, 0.2), (0.5, 10.0), (0.99, 19.8)] {
            let found = durations.quantile_ms(share).unwrap();
            assert!((found / exact - 1.0).abs() < 0.05, "{share}: {found}");
        }
    }

    #[test]
    fn extreme_durations_are_counted() {
        let mut durations = Durations::default();
        durations.record(Duration::ZERO);
        durations.record(Duration::MAX);
        assert!(durations.quantile_ms(0.5) < Some(0.002));
        assert!(durations.quantile_ms(1.0) > Some(100_000.0));
    }
}
