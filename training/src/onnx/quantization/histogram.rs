//! The distribution of a tensor's values on calibration faces.

use super::Range;

/// Number of bins between the smallest and the largest value.
const BINS: usize = 2048;

/// The smallest and the largest value of a tensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Extremes {
    low: f32,
    high: f32,
}

impl Default for Extremes {
    fn default() -> Self {
        Self {
            low: f32::INFINITY,
            high: f32::NEG_INFINITY,
        }
    }
}

impl Extremes {
    /// Adds values. Returns whether all of them are finite.
    pub(super) fn add(&mut self, values: &[f32]) -> bool {
        for &value in values {
            self.low = self.low.min(value);
            self.high = self.high.max(value);
        }
        values.iter().all(|value| value.is_finite())
    }
}

/// Counts of values in bins of equal width.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Histogram {
    extremes: Extremes,
    counts: Vec<u64>,
}

impl Histogram {
    /// Creates an empty histogram of values between two extremes.
    pub(super) fn new(extremes: Extremes) -> Self {
        Self {
            extremes,
            counts: vec![0; BINS],
        }
    }

    /// Adds values, which must be between the extremes.
    pub(super) fn add(&mut self, values: &[f32]) {
        let width = self.bin_width();
        for &value in values {
            // The cast saturates, also for a width of 0.
            let bin = (f64::from(value - self.extremes.low) / width) as usize;
            self.counts[bin.min(BINS - 1)] += 1;
        }
    }

    /// Returns the range between the extremes.
    pub(super) fn whole(&self) -> Range {
        Range::new(self.extremes.low, self.extremes.high)
    }

    /// Returns the range without the lowest and the highest bins that contain at most `share` of the values each.
    pub(super) fn without_tails(&self, share: f64) -> Range {
        let allowed = share * self.counts.iter().sum::<u64>() as f64;
        let clipped = |counts: &mut dyn Iterator<Item = &u64>| {
            let mut sum = 0;
            counts
                .take_while(|&&count| {
                    sum += count;
                    sum as f64 <= allowed
                })
                .count() as f64
        };
        let low = clipped(&mut self.counts.iter());
        let high = clipped(&mut self.counts.iter().rev());
        let (start, end) = (f64::from(self.extremes.low), f64::from(self.extremes.high));
        let width = self.bin_width();
        Range::new((start + low * width) as f32, (end - high * width) as f32)
    }

    fn bin_width(&self) -> f64 {
        (f64::from(self.extremes.high) - f64::from(self.extremes.low)) / BINS as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: &[f32]) -> Histogram {
        let mut extremes = Extremes::default();
        assert!(extremes.add(values));
        let mut histogram = Histogram::new(extremes);
        histogram.add(values);
        histogram
    }

    #[test]
    fn tails_without_values_of_share_are_clipped() {
        // 998 values in 0..=1, one outlier on either side.
        let mut values: Vec<f32> = (0..998).map(|i| i as f32 / 997.0).collect();
        values.extend([-100.0, 100.0]);
        let histogram = histogram(&values);
        assert_eq!(histogram.whole(), Range::new(-100.0, 100.0));
        let clipped = histogram.without_tails(0.001);
        // The ends are those of bins, which are 200 / 2048 wide.
        assert!((-0.1..=0.0).contains(&clipped.low()), "{clipped:?}");
        assert!((1.0..=1.1).contains(&clipped.high()), "{clipped:?}");
        assert_eq!(histogram.without_tails(0.0009), histogram.whole());
    }

    #[test]
    fn range_of_positive_or_constant_values_contains_zero() {
        assert_eq!(histogram(&[2.0, 4.0]).whole(), Range::new(0.0, 4.0));
        let constant = histogram(&[3.0, 3.0]);
        assert_eq!(constant.whole(), Range::new(0.0, 3.0));
        assert_eq!(constant.without_tails(0.001), Range::new(0.0, 3.0));
    }

    #[test]
    fn values_that_are_not_finite_are_reported() {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert!(!Extremes::default().add(&[1.0, value]));
        }
    }
}
