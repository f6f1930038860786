//! Exponential smoothing of probabilities.

use std::str::FromStr;

/// The weight of the previous frames in exponential smoothing (R. G. Brown, "Smoothing, Forecasting and Prediction of Discrete Time
/// Series", 1963, chapter 7): `smoothed = weight * previous + (1 - weight) * current`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Smoothing(f32);

/// A number is not a weight of previous frames.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("smoothing is {0}; expected a number from 0 to less than 1")]
pub struct InvalidSmoothing(String);

impl Default for Smoothing {
    /// Half of the weight is on the previous frames.
    fn default() -> Self {
        Self(0.5)
    }
}

impl Smoothing {
    /// Checks a weight. With 0 each frame has its own probabilities.
    ///
    /// # Errors
    /// Returns an error if the number is negative, at least 1 or not a number.
    pub fn new(weight: f32) -> Result<Self, InvalidSmoothing> {
        if (0.0..1.0).contains(&weight) {
            Ok(Self(weight))
        } else {
            Err(InvalidSmoothing(weight.to_string()))
        }
    }

    /// Replaces `smoothed` by its mean with `current`. Starts again if the number of classes has changed, because another model answers.
    pub(super) fn apply(self, smoothed: &mut Vec<f32>, current: &[f32]) {
        if smoothed.len() != current.len() {
            *smoothed = current.to_vec();
            return;
        }
        for (smoothed, current) in smoothed.iter_mut().zip(current) {
            *smoothed = self.0 * *smoothed + (1.0 - self.0) * current;
        }
    }
}

impl FromStr for Smoothing {
    type Err = InvalidSmoothing;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let weight = text.parse();
        Self::new(weight.map_err(|_| InvalidSmoothing(text.to_owned()))?)
    }
}
