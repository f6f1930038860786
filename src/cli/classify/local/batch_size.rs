//! Chooses the batch size of a long run from the durations of its own inference calls, so that no image waits for a measurement.

use crate::batching::{Batcher, CallStatistics};

/// Batch sizes that are tried, in this order.
const SIZES: [usize; 3] = [8, 16, 32];

/// Number of calls with a full batch after which the duration of a size is known. The estimated median follows a change by
/// 1/64 per call.
const MIN_CALLS: u64 = 48;

/// A larger size is kept if its throughput is higher by this ratio.
const MIN_GROWTH_RATIO: f64 = 1.01;

/// The search for the batch size. It ends at the first size that is not better than the previous one.
pub(in crate::cli::classify) struct BatchSizeSearch {
    /// The sizes that are not measured yet; the first one is in use.
    rest: &'static [usize],
    /// Size and images per second of the best size so far.
    best: Option<(usize, f64)>,
}

impl BatchSizeSearch {
    /// Largest size that is tried.
    pub(in crate::cli::classify) const LARGEST: usize = SIZES[SIZES.len() - 1];

    /// Starts with the smallest size.
    pub(super) fn start(batcher: &Batcher) -> Self {
        let search = Self {
            rest: &SIZES,
            best: None,
        };
        search.apply(batcher);
        search
    }

    /// Tries the next size, or selects the best one, if enough calls of the size in use have ended.
    pub(super) fn advance(&mut self, batcher: &Batcher) {
        if self.rest.is_empty() {
            return;
        }
        self.add(&batcher.call_statistics());
        self.apply(batcher);
    }

    fn add(&mut self, calls: &[CallStatistics]) {
        let Some((&size, rest)) = self.rest.split_first() else {
            return;
        };
        let full = calls.iter().find(|calls| calls.images == size);
        let Some(full) = full.filter(|full| full.calls >= MIN_CALLS) else {
            return;
        };
        let rate = size as f64 / full.median.as_secs_f64().max(f64::MIN_POSITIVE);
        let is_better = |&(_, best): &(usize, f64)| rate >= MIN_GROWTH_RATIO * best;
        if self.best.as_ref().is_none_or(is_better) {
            self.best = Some((size, rate));
            self.rest = rest;
        } else {
            self.rest = &[];
        }
        if self.rest.is_empty() {
            let size = self.size();
            tracing::debug!(size, "batch size chosen");
        }
    }

    /// Returns the size in use.
    fn size(&self) -> Option<usize> {
        let next = self.rest.first().copied();
        next.or(self.best.map(|(size, _)| size))
    }

    fn apply(&self, batcher: &Batcher) {
        if let Some(size) = self.size() {
            batcher.limit_batches(size);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Adds the calls of each size, with milliseconds per image, and returns the sizes in use after each.
    fn sizes(calls: u64, ms_per_image: &[(usize, f64)]) -> Vec<usize> {
        let mut search = BatchSizeSearch {
            rest: &SIZES,
            best: None,
        };
        let mut statistics = Vec::new();
        let mut add = |&(images, ms): &(usize, f64)| {
            statistics.push(CallStatistics {
                images,
                calls,
                median: Duration::from_secs_f64(ms * images as f64 / 1e3),
            });
            search.add(&statistics);
            search.size().unwrap()
        };
        ms_per_image.iter().map(&mut add).collect()
    }

    #[test]
    fn faster_sizes_are_followed_to_the_largest() {
        assert_eq!(sizes(48, &[(8, 1.0), (16, 0.9), (32, 0.8)]), [16, 32, 32]);
    }

    #[test]
    fn search_returns_to_best_size() {
        assert_eq!(sizes(48, &[(8, 1.0), (16, 1.1)]), [16, 8]);
        assert_eq!(sizes(48, &[(8, 1.0), (16, 0.9), (32, 0.9)]), [16, 32, 16]);
    }

    #[test]
    fn few_or_partial_batches_do_not_end_a_trial() {
        assert_eq!(sizes(47, &[(8, 1.0)]), [8]);
        assert_eq!(sizes(1000, &[(7, 1.0)]), [8]);
    }
}
