//! The probabilities of one prediction.

use super::InferenceError;

/// Maximum difference of the sum of a row from 1. It covers the rounding of a softmax, also in float16 models.
const SUM_TOLERANCE: f32 = 1e-2;

/// A distribution over the labels of a model, in the order of its output. Each value is in [0, 1] and the sum is 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Probabilities(Box<[f32]>);

impl Probabilities {
    /// Wraps a row that is a distribution.
    ///
    /// # Errors
    /// Returns an error if a value is negative or not finite, or if the sum is not 1.
    pub fn new(row: &[f32]) -> Result<Self, InferenceError> {
        if !is_distribution(row) {
            return Err(invalid("a row is not a distribution", row));
        }
        // Rounding may raise a probability slightly above 1.
        Ok(Self(row.iter().map(|value| value.min(1.0)).collect()))
    }

    /// Applies the softmax to a row of logits.
    ///
    /// # Errors
    /// Returns an error if a value is not finite.
    pub fn from_logits(row: &[f32]) -> Result<Self, InferenceError> {
        if row.is_empty() || row.iter().any(|value| !value.is_finite()) {
            return Err(invalid("a row of logits contains NaN or infinity", row));
        }
        let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut powers: Box<[f32]> = row.iter().map(|value| (value - highest).exp()).collect();
        let sum: f32 = powers.iter().sum();
        powers.iter_mut().for_each(|power| *power /= sum);
        Ok(Self(powers))
    }

    /// Returns the probabilities, in the order of the output.
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }

    /// Returns the most probable class and its probability. Among equal probabilities the lowest index is returned.
    pub fn top(&self) -> (usize, f32) {
        let mut top = (0, 0.0);
        for (index, &probability) in self.0.iter().enumerate() {
            if probability > top.1 {
                top = (index, probability);
            }
        }
        top
    }

    /// Returns the indices of the `k` most probable classes, most probable first. Among equal probabilities lower indices are
    /// first.
    pub fn ranked(&self, k: usize) -> Vec<usize> {
        let mut indices: Vec<usize> = (0..self.0.len()).collect();
        indices.sort_by(|&a, &b| self.0[b].total_cmp(&self.0[a]));
        indices.truncate(k);
        indices
    }
}

/// Returns whether each value is in [0, 1] and the sum is 1.
pub(super) fn is_distribution(row: &[f32]) -> bool {
    let in_range = row
        .iter()
        .all(|&value| (0.0..=1.0 + SUM_TOLERANCE).contains(&value));
    in_range && (row.iter().sum::<f32>() - 1.0).abs() <= SUM_TOLERANCE
}

fn invalid(what: &str, row: &[f32]) -> InferenceError {
    InferenceError::Output(format!("{what}: {row:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_matches_numpy() {
        // numpy: e = exp(x - max(x)); e / e.sum() for x = [1, 2, 3].
        let probabilities = Probabilities::from_logits(&[1.0, 2.0, 3.0]).unwrap();
        for (got, want) in
            probabilities
                .as_slice()
                .iter()
                .zip([0.090_030_57, 0.244_728_47, 0.665_240_95])
        {
            assert!((got - want).abs() < 1e-6, "{probabilities:?}");
        }
        // Large logits must not overflow.
        assert_eq!(
            Probabilities::from_logits(&[1e4, 0.0]).unwrap().as_slice(),
            [1.0, 0.0]
        );
    }

    #[test]
    fn equal_probabilities_rank_by_index() {
        let probabilities = Probabilities::new(&[0.25, 0.5, 0.25]).unwrap();
        assert_eq!(probabilities.top(), (1, 0.5));
        assert_eq!(probabilities.ranked(2), [1, 0]);
        assert_eq!(probabilities.ranked(9), [1, 0, 2]);
    }

    #[test]
    fn invalid_rows_are_rejected() {
        for row in [&[0.5, f32::NAN][..], &[0.5, 0.1], &[-0.5, 1.5], &[]] {
            assert!(Probabilities::new(row).is_err(), "{row:?}");
        }
        assert!(Probabilities::from_logits(&[f32::INFINITY, 0.0]).is_err());
        assert!(Probabilities::from_logits(&[]).is_err());
    }
}
