//! The exponential moving average of the weights: what is judged and exported.

use tch::{TchError, no_grad};

use crate::torch::weights::Weights;

/// Steps after which the average's decay is near its final value.
const WARMUP: f64 = 10.0;

/// Averaged weights, batch-norm statistics included. An average of statistics lags behind those of the averaged kernels, most
/// after a change of the faces' side: `export --precise-bn` takes them anew.
#[derive(Debug)]
pub struct Ema {
    decay: f64,
    weights: Weights,
}

impl Ema {
    /// An average that has seen only these weights.
    pub fn new(weights: &Weights, decay: f64) -> Self {
        Self { decay, weights: weights.duplicate() }
    }

    /// Continues an average.
    pub fn from_weights(weights: Weights, decay: f64) -> Self {
        Self { decay, weights }
    }

    /// Takes in the weights after `step` (from 0): early on a smaller decay, `(1 + t) / (10 + t)`, forgets the start.
    ///
    /// # Errors
    /// What libtorch refuses.
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

    /// The averaged weights.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }
}
