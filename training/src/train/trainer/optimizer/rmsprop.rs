//! RMSprop as Keras computes it.

use tch::{TchError, Tensor};

use super::{Rule, Step};
use crate::recipe::options::RmsPropKeys;

/// RMSprop (Tieleman and Hinton 2012, lecture 6.5): `v = rho v + (1 - rho) g^2; w = w - rate g / sqrt(v + epsilon)`.
///
/// Epsilon is added under the root, as in Keras since 2.11 and in TensorFlow's kernel. Keras before 2.11 and torch add it
/// to the root. With 1e-7 the results differ for gradients below about 1e-3.
#[derive(Debug)]
pub(super) struct RmsProp {
    pub(super) keys: RmsPropKeys,
}

impl Rule for RmsProp {
    fn slots(&self) -> &'static [&'static str] {
        &["mean_square"]
    }

    fn update(
        &self,
        weight: &mut Tensor,
        gradient: &Tensor,
        slots: &mut [Tensor],
        step: Step,
    ) -> Result<(), TchError> {
        let RmsPropKeys { rho, epsilon } = self.keys;
        let mean_square = &mut slots[0];
        let fresh = gradient.f_square()?.f_mul_scalar(1.0 - rho)?;
        let _ = mean_square.f_mul_scalar_(rho)?.f_add_(&fresh)?;
        let root = mean_square.f_add_scalar(epsilon)?.f_sqrt()?;
        let _ = weight.f_sub_(&gradient.f_mul_scalar(step.rate)?.f_div(&root)?)?;
        Ok(())
    }
}
