//! Adam with decoupled weight decay.

use tch::{TchError, Tensor};

use super::{Rule, Step};
use crate::recipe::options::AdamWKeys;

/// AdamW: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019), algorithm 2, with the decay multiplied by the
/// learning rate as torch does: `w = w - rate (m^ / (sqrt(v^) + epsilon) + decay w)`.
#[derive(Debug)]
pub(super) struct AdamW {
    pub(super) keys: AdamWKeys,
}

impl Rule for AdamW {
    fn decays_weights(&self) -> bool {
        true
    }

    fn slots(&self) -> &'static [&'static str] {
        &["mean", "mean_square"]
    }

    fn update(
        &self,
        weight: &mut Tensor,
        gradient: &Tensor,
        slots: &mut [Tensor],
        step: Step,
    ) -> Result<(), TchError> {
        let AdamWKeys {
            beta1,
            beta2,
            epsilon,
        } = self.keys;
        let count = step.count as f64;
        let [mean, mean_square] = slots else {
            unreachable!("AdamW has two slots")
        };
        let _ = mean
            .f_mul_scalar_(beta1)?
            .f_add_(&gradient.f_mul_scalar(1.0 - beta1)?)?;
        let square = gradient.f_square()?.f_mul_scalar(1.0 - beta2)?;
        let _ = mean_square.f_mul_scalar_(beta2)?.f_add_(&square)?;
        // Bias correction: both means start at zero, so early values are too small by these factors.
        let mean = mean.f_div_scalar(1.0 - beta1.powf(count))?;
        let root = mean_square
            .f_div_scalar(1.0 - beta2.powf(count))?
            .f_sqrt()?;
        let direction = mean.f_div(&root.f_add_scalar(epsilon)?)?;
        let _ = weight.f_mul_scalar_(1.0 - step.rate * step.decay)?;
        let _ = weight.f_sub_(&direction.f_mul_scalar(step.rate)?)?;
        Ok(())
    }
}
