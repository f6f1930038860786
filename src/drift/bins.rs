//! The bins of a histogram.

use serde::{Deserialize, Serialize};

/// Number of bins between the lowest and the highest value of a reference, if all values differ. Ten bins with equal shares are the
/// usual choice for the population stability index (N. Siddiqi, "Credit Risk Scorecards", Wiley 2006, chapter 9).
const QUANTILES: usize = 10;

/// Bins that are separated by ascending edges. A value that equals an edge is in the bin above it. The first bin is open below, the
/// last one above.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Bins {
    edges: Vec<f32>,
}

impl Bins {
    /// Returns a bin per class; the value of a class is its index.
    pub(super) fn of_classes(classes: usize) -> Self {
        Self {
            edges: (1..classes).map(|class| class as f32).collect(),
        }
    }

    /// Returns bins with equal shares of the finite `values`, and one bin each for values below and above all of them. Equal values are in
    /// one bin, so there can be fewer bins.
    pub(super) fn of_quantiles(mut values: Vec<f32>) -> Self {
        values.sort_unstable_by(f32::total_cmp);
        let inner = (0..QUANTILES).filter_map(|i| values.get(i * values.len() / QUANTILES));
        let above = values.last().map(|highest| highest.next_up());
        let mut edges: Vec<f32> = inner.copied().chain(above).collect();
        edges.dedup();
        Self { edges }
    }

    /// Returns the number of bins.
    pub(super) fn len(&self) -> usize {
        self.edges.len() + 1
    }

    /// Returns the bin of a value.
    pub(super) fn index(&self, value: f32) -> usize {
        self.edges.partition_point(|&edge| edge <= value)
    }

    /// Returns the edge below and the edge above a bin.
    pub(super) fn bounds(&self, index: usize) -> (Option<f32>, Option<f32>) {
        let below = index.checked_sub(1).and_then(|below| self.edges.get(below));
        (below.copied(), self.edges.get(index).copied())
    }

    /// Counts values per bin.
    pub(super) fn count(&self, values: impl IntoIterator<Item = f32>) -> Vec<u64> {
        let mut counts = vec![0; self.len()];
        for value in values {
            counts[self.index(value)] += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_have_equal_shares_and_open_ends() {
        let values: Vec<f32> = (0..100_u8).rev().map(f32::from).collect();
        let bins = Bins::of_quantiles(values.clone());
        let counts = bins.count(values);
        assert_eq!(counts, [0, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 0]);
        assert_eq!(bins.count([-1.0, 99.5]).first(), Some(&1));
        assert_eq!(bins.count([-1.0, 99.5]).last(), Some(&1));
        assert_eq!(bins.bounds(0), (None, Some(0.0)));
        assert_eq!(bins.bounds(1), (Some(0.0), Some(10.0)));
    }

    #[test]
    fn constant_feature_separates_smaller_and_larger_values() {
        let bins = Bins::of_quantiles(vec![48.0; 200]);
        assert_eq!(bins.count([47.0, 48.0, 48.0, 49.0]), [1, 2, 1]);
    }

    #[test]
    fn classes_have_a_bin_each() {
        let bins = Bins::of_classes(7);
        let classes = bins.count((0..7_u8).map(f32::from));
        assert_eq!(classes, [1; 7]);
        assert_eq!(Bins::of_classes(1).len(), 1);
    }
}
