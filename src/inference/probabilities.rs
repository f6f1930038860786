//! One answer of a model: a probability for each label.

use super::InferenceError;

/// How far the sum of a row may be from 1: float32 rounding over a softmax, half-precision models included.
const SUM_TOLERANCE: f32 = 1e-2;

/// A distribution over a model's labels, in output order: each in [0, 1], the sum 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Probabilities(Box<[f32]>);

impl Probabilities {
    /// Takes a row that already is a distribution.
    ///
    /// # Errors
    /// When a value is not finite or below 0, or the sum is not 1.
    pub fn new(row: &[f32]) -> Result<Self, InferenceError> {
        if !is_distribution(row) {
            return Err(unfit("a row is no distribution", row));
        }
        // Rounding may leave a sure answer a hair above 1.
        Ok(Self(row.iter().map(|value| value.min(1.0)).collect()))
    }

    /// The softmax of a row of logits.
    ///
    /// # Errors
    /// When a value is not finite.
    pub fn from_logits(row: &[f32]) -> Result<Self, InferenceError> {
        if row.is_empty() || row.iter().any(|value| !value.is_finite()) {
            return Err(unfit("a row of logits is not finite", row));
        }
        let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut powers: Box<[f32]> = row.iter().map(|value| (value - highest).exp()).collect();
        let sum: f32 = powers.iter().sum();
        powers.iter_mut().for_each(|power| *power /= sum);
        Ok(Self(powers))
    }

    /// The probabilities, in output order.
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }

    /// The most probable class and its probability; the first of equals.
    pub fn top(&self) -> (usize, f32) {
        let mut top = (0, 0.0);
        for (index, &probability) in self.0.iter().enumerate() {
            if probability > top.1 {
                top = (index, probability);
            }
        }
        top
    }

    /// The indices of the `k` most probable classes, most probable first; lower indices first among equals.
    pub fn ranked(&self, k: usize) -> Vec<usize> {
        let mut indices: Vec<usize> = (0..self.0.len()).collect();
        indices.sort_by(|&a, &b| self.0[b].total_cmp(&self.0[a]));
        indices.truncate(k);
        indices
    }
}

/// Whether each value is in [0, 1] and the sum is 1.
pub(super) fn is_distribution(row: &[f32]) -> bool {
    let in_range = row
        .iter()
        .all(|&value| (0.0..=1.0 + SUM_TOLERANCE).contains(&value));
    in_range && (row.iter().sum::<f32>() - 1.0).abs() <= SUM_TOLERANCE
}

fn unfit(what: &str, row: &[f32]) -> InferenceError {
    InferenceError::Output(format!("{what}: {row:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_of_logits() {
        // numpy: e = exp(x - max(x)); e / e.sum() for x = [1, 2, 3].
        let answer = Probabilities::from_logits(&[1.0, 2.0, 3.0]).unwrap();
        for (got, want) in answer
            .as_slice()
            .iter()
            .zip([0.090_030_57, 0.244_728_47, 0.665_240_95])
        {
            assert!((got - want).abs() < 1e-6, "{answer:?}");
        }
        // Large logits must not overflow.
        assert_eq!(
            Probabilities::from_logits(&[1e4, 0.0]).unwrap().as_slice(),
            [1.0, 0.0]
        );
    }

    #[test]
    fn ranks_stably() {
        let answer = Probabilities::new(&[0.25, 0.5, 0.25]).unwrap();
        assert_eq!(answer.top(), (1, 0.5));
        assert_eq!(answer.ranked(2), [1, 0]);
        assert_eq!(answer.ranked(9), [1, 0, 2]);
    }

    #[test]
    fn refuses_what_is_no_distribution() {
        for row in [&[0.5, f32::NAN][..], &[0.5, 0.1], &[-0.5, 1.5], &[]] {
            assert!(Probabilities::new(row).is_err(), "{row:?}");
        }
        assert!(Probabilities::from_logits(&[f32::INFINITY, 0.0]).is_err());
        assert!(Probabilities::from_logits(&[]).is_err());
    }
}
