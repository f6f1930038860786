//! Stochastic gradient descent with Nesterov momentum.

use tch::{TchError, Tensor};

use super::{Rule, Step};

/// SGD with Nesterov momentum, in the form of Sutskever et al. (2013) that torch uses: `m = mu m + g; w = w - rate (g + mu m)`.
#[derive(Debug)]
pub(super) struct Sgd {
    pub(super) momentum: f64,
}

impl Rule for Sgd {
    fn slots(&self) -> &'static [&'static str] {
        &["velocity"]
    }

    fn update(
        &self,
        weight: &mut Tensor,
        gradient: &Tensor,
        slots: &mut [Tensor],
        step: Step,
    ) -> Result<(), TchError> {
        let velocity = &mut slots[0];
        *velocity = velocity.f_mul_scalar(self.momentum)?.f_add(gradient)?;
        let direction = gradient.f_add(&velocity.f_mul_scalar(self.momentum)?)?;
        let _ = weight.f_sub_(&direction.f_mul_scalar(step.rate)?)?;
        Ok(())
    }
}
