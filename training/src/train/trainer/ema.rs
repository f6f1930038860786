//! Exponential moving average of the weights. The averaged weights are evaluated and exported.

use tch::{TchError, no_grad};

use crate::torch::weights::Weights;

/// Steps after which the average's decay is near its final value.
const WARMUP: f64 = 10.0;

/// Averaged weights, including batch-norm statistics. The averaged statistics lag behind the averaged kernels, most of all
/// after a change of the image size. `export --precise-bn` recomputes them.
#[derive(Debug)]
pub struct Ema {
    decay: f64,
    weights: Weights,
}

impl Ema {
    /// Starts an average at these weights.
    pub fn new(weights: &Weights, decay: f64) -> Self {
        Self {
            decay,
            weights: weights.duplicate(),
        }
    }

    /// Continues an average from a checkpoint.
    pub fn from_weights(weights: Weights, decay: f64) -> Self {
        Self { decay, weights }
    }

    /// Updates the average with the weights after step `t` (from 0). The decay is at most `(1 + t) / (10 + t)`, so that
    /// the initial weights are forgotten quickly.
    ///
    /// # Errors
    /// Returns an error of libtorch.
    pub fn update(&self, weights: &Weights, step: usize) -> Result<(), TchError> {
        let decay = self.decay.min((1.0 + step as f64) / (WARMUP + step as f64));
        no_grad(|| {
            for ((_, average), (_, now)) in self.weights.iter().zip(weights.iter()) {
                let mut average = average.shallow_clone();
                let _ = average.f_lerp_(now, 1.0 - decay)?;
            }
            Ok(())
        })
    }

    /// Returns the averaged weights.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }
}
