//! Proper scoring rules: logarithmic loss and Brier score.

use super::Outcome;
use crate::expression::Expression;

/// Sums over images.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Losses {
    images: u64,
    log: f64,
    brier: f64,
}

impl Losses {
    /// Adds one image.
    pub(super) fn add(&mut self, outcome: &Outcome) {
        self.images += 1;
        self.log -= f64::from(outcome.of(outcome.truth).max(f32::EPSILON)).ln();
        self.brier += Expression::ALL
            .into_iter()
            .map(|class| f64::from(outcome.of(class)) - f64::from(class == outcome.truth))
            .map(|error| error * error)
            .sum::<f64>();
    }

    /// Returns the mean negative log-likelihood of the labels, in nats.
    pub(super) fn log(&self) -> Option<f64> {
        self.mean(self.log)
    }

    /// Returns the mean over images of the summed squared errors of the probabilities, 0 to 2.
    ///
    /// G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78 (1950).
    pub(super) fn brier(&self) -> Option<f64> {
        self.mean(self.brier)
    }

    fn mean(&self, sum: f64) -> Option<f64> {
        (self.images > 0).then(|| sum / self.images as f64)
    }
}
