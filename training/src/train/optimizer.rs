//! Stochastic gradient descent with Nesterov momentum.

use tch::{TchError, Tensor, no_grad};

use crate::{arch::parameter::Parameter, recipe::Recipe, torch::weights::Weights};

/// SGD with Nesterov momentum, in the form of Sutskever et al. (2013) that torch uses:
/// `m = mu m + g; w = w - rate (g + mu m)`, where `g` includes the L2 term.
#[derive(Debug)]
pub struct Sgd {
    momentum: f64,
    weight_decay: f64,
    /// One for every parameter of the weights; statistics have none.
    velocities: Vec<Option<Tensor>>,
}

impl Sgd {
    /// A fresh optimiser for these weights.
    pub fn new(weights: &Weights, recipe: &Recipe) -> Self {
        let velocity =
            |(p, t): (&Parameter, &Tensor)| p.role.is_trainable().then(|| t.zeros_like());
        let velocities = no_grad(|| weights.iter().map(velocity).collect());
        Self { momentum: recipe.momentum, weight_decay: recipe.weight_decay, velocities }
    }

    /// Changes the weights along their gradients, and clears those.
    ///
    /// # Errors
    /// What libtorch refuses.
    pub fn step(&mut self, weights: &Weights, rate: f64) -> Result<(), TchError> {
        no_grad(|| {
            for ((parameter, tensor), velocity) in weights.iter().zip(&mut self.velocities) {
                let Some(velocity) = velocity else { continue };
                let mut tensor = tensor.shallow_clone();
                let mut gradient = tensor.grad();
                if parameter.role.decays() {
                    gradient = gradient.f_add(&tensor.f_mul_scalar(self.weight_decay)?)?;
                }
                *velocity = velocity.f_mul_scalar(self.momentum)?.f_add(&gradient)?;
                let direction = gradient.f_add(&velocity.f_mul_scalar(self.momentum)?)?;
                let _ = tensor.f_sub_(&direction.f_mul_scalar(rate)?)?;
                tensor.zero_grad();
            }
            Ok(())
        })
    }

    /// The velocities under their parameters' names, for a checkpoint.
    pub fn state<'a>(
        &'a self,
        weights: &'a Weights,
    ) -> impl Iterator<Item = (&'a str, &'a Tensor)> {
        weights
            .iter()
            .zip(&self.velocities)
            .filter_map(|((p, _), v)| Some((p.name.as_str(), v.as_ref()?)))
    }

    /// Takes back what [`Self::state`] gave.
    pub fn restore(
        &mut self,
        weights: &Weights,
        mut velocity_of: impl FnMut(&str) -> Option<Tensor>,
    ) {
        for ((parameter, _), velocity) in weights.iter().zip(&mut self.velocities) {
            if let (Some(velocity), Some(saved)) = (velocity, velocity_of(&parameter.name)) {
                no_grad(|| velocity.copy_(&saved));
            }
        }
    }
}
