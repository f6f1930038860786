//! Durations of a worker's inference calls by number of images.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use super::Batcher;
use crate::inference::Model;

/// The estimate changes by this fraction of itself with each call. It follows a lasting change by the factor 2 within 45 calls.
const STEP: u64 = 64;

/// The inference calls of a model with a number of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallStatistics {
    /// Number of images per call.
    pub images: usize,
    /// Number of calls.
    pub calls: u64,
    /// Estimated median of the recent durations.
    pub median: Duration,
}

/// Number of calls and running median of their durations, by number of images. One worker writes, and other threads read
/// without a lock.
pub(super) struct CallDurations(Box<[Slot]>);

#[derive(Default)]
struct Slot {
    calls: AtomicU64,
    median_nanos: AtomicU64,
}

impl CallDurations {
    pub(super) fn new(max_batch: usize) -> Self {
        Self((0..max_batch.max(1)).map(|_| Slot::default()).collect())
    }

    /// Records a call. Moves the estimate of the median up or down by a fixed fraction of itself, so that single slow calls hardly
    /// change it (Ma, Muthukrishnan and Sandler, "Frugal Streaming for Estimating Quantiles", algorithm 1U with a relative step).
    pub(super) fn record(&self, images: usize, took: Duration) {
        let Some(slot) = images.checked_sub(1).and_then(|index| self.0.get(index)) else {
            return;
        };
        let new = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).max(1);
        let old = slot.median_nanos.load(Ordering::Relaxed);
        let step = (old / STEP).max(1);
        let median = if old == 0 {
            new
        } else if new > old {
            (old + step).min(new)
        } else {
            old.saturating_sub(step).max(new)
        };
        slot.median_nanos.store(median, Ordering::Relaxed);
        let calls = slot.calls.load(Ordering::Relaxed) + 1;
        slot.calls.store(calls, Ordering::Relaxed);
    }
}

impl<M: Model + ?Sized> Batcher<M> {
    /// Returns the durations of the inference calls by number of images. Contains only calls that ended while all cores of the
    /// workers were in use, so that they are comparable with a tuning curve.
    pub fn call_statistics(&self) -> Vec<CallStatistics> {
        combine(&self.0.queue.call_durations)
    }
}

/// Combines the durations of all workers of a model: the sum of the calls and the mean of the medians, weighted by calls.
fn combine<'a>(workers: impl IntoIterator<Item = &'a CallDurations>) -> Vec<CallStatistics> {
    let mut sums = BTreeMap::<usize, (u64, u128)>::new();
    for CallDurations(slots) in workers {
        for (index, slot) in slots.iter().enumerate() {
            let calls = slot.calls.load(Ordering::Relaxed);
            if calls > 0 {
                let median = u128::from(slot.median_nanos.load(Ordering::Relaxed));
                let sum = sums.entry(index + 1).or_default();
                sum.0 += calls;
                sum.1 += median * u128::from(calls);
            }
        }
    }
    let statistics = |(images, (calls, nanos)): (usize, (u64, u128))| CallStatistics {
        images,
        calls,
        median: Duration::from_nanos(u64::try_from(nanos / u128::from(calls)).unwrap_or(u64::MAX)),
    };
    sums.into_iter().map(statistics).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn median_ms(durations: &CallDurations) -> f64 {
        combine([durations])[0].median.as_secs_f64() * 1e3
    }

    #[test]
    fn estimate_is_near_median_despite_outliers() {
        let durations = CallDurations::new(1);
        for call in 0..1_000_u64 {
            let took = if call % 10 == 0 { 500 } else { 9 + call % 3 };
            durations.record(1, Duration::from_millis(took));
        }
        let median = median_ms(&durations);
        assert!((9.5..=10.5).contains(&median), "{median}");
    }

    #[test]
    fn estimate_follows_lasting_change() {
        let durations = CallDurations::new(1);
        for took in std::iter::repeat_n(10, 100).chain(std::iter::repeat_n(20, 100)) {
            durations.record(1, Duration::from_millis(took));
        }
        let median = median_ms(&durations);
        assert!((19.5..=20.0).contains(&median), "{median}");
    }

    #[test]
    fn workers_are_combined_by_number_of_images() {
        let workers = [CallDurations::new(4), CallDurations::new(4)];
        workers[0].record(1, Duration::from_millis(10));
        workers[0].record(4, Duration::from_millis(40));
        for _ in 0..3 {
            workers[1].record(4, Duration::from_millis(20));
        }
        workers[1].record(5, Duration::from_millis(1));
        workers[1].record(0, Duration::from_millis(1));
        let of = |images, calls, ms| CallStatistics {
            images,
            calls,
            median: Duration::from_millis(ms),
        };
        assert_eq!(combine(&workers), [of(1, 1, 10), of(4, 4, 25)]);
    }
}
