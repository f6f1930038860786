//! Optimisers. Each update rule has its own file; this file contains weight decay, L2 and gradient clipping.

use tch::{Kind, TchError, Tensor, no_grad};

mod adamw;
mod rmsprop;
mod sgd;

use crate::{
    arch::parameter::{Parameter, Role},
    recipe::{Recipe, options::OptimizerKind},
    torch::weights::Weights,
};

/// Update rule for one weight tensor.
trait Rule: std::fmt::Debug {
    /// Returns whether the rule applies the decay to the weight itself (decoupled decay). Otherwise the decay is added
    /// to the gradient.
    fn decays_weights(&self) -> bool {
        false
    }

    /// Returns the names of the rule's state tensors per weight. The checkpoint stores them as `velocity/NAME`.
    fn slots(&self) -> &'static [&'static str];

    /// Updates a weight by its gradient. `slots` has the order of [`Rule::slots`].
    fn update(
        &self,
        weight: &mut Tensor,
        gradient: &Tensor,
        slots: &mut [Tensor],
        step: Step,
    ) -> Result<(), TchError>;
}

/// Parameters of one update.
#[derive(Debug, Clone, Copy)]
struct Step {
    /// Learning rate.
    rate: f64,
    /// Weight decay, for a rule with decoupled decay.
    decay: f64,
    /// Number of this step in the run, from 1.
    count: usize,
}

/// An optimiser with its state.
#[derive(Debug)]
pub struct Optimizer {
    rule: Box<dyn Rule>,
    weight_decay: f64,
    l2: f64,
    clip_norm: f64,
    /// State tensors of every parameter, in the order of [`Weights::iter`]. Empty for batch-norm statistics.
    slots: Vec<Vec<Tensor>>,
}

impl Optimizer {
    /// Creates an optimiser with zero state for these weights.
    pub fn new(weights: &Weights, recipe: &Recipe) -> Self {
        let rule: Box<dyn Rule> = match recipe.optimizer {
            OptimizerKind::Sgd => Box::new(sgd::Sgd {
                momentum: recipe.momentum,
            }),
            OptimizerKind::RmsProp => Box::new(rmsprop::RmsProp {
                keys: recipe.rmsprop,
            }),
            OptimizerKind::AdamW => Box::new(adamw::AdamW { keys: recipe.adamw }),
        };
        let zeros = |(parameter, weight): (&Parameter, &Tensor)| {
            let slots: &[&str] = if parameter.role.is_trainable() {
                rule.slots()
            } else {
                &[]
            };
            slots.iter().map(|_| weight.zeros_like()).collect()
        };
        let slots = no_grad(|| weights.iter().map(zeros).collect());
        Self {
            weight_decay: recipe.weight_decay,
            l2: recipe.l2,
            clip_norm: recipe.clip_norm,
            slots,
            rule,
        }
    }

    /// Updates the weights by their gradients and clears the gradients. `count` is the number of this step in the run,
    /// from 1.
    ///
    /// # Errors
    /// Returns an error of libtorch.
    pub fn step(&mut self, weights: &Weights, rate: f64, count: usize) -> Result<(), TchError> {
        no_grad(|| {
            let gradients = self.gradients(weights)?;
            let clip_factor = self.clip_factor(&gradients)?;
            for (((parameter, weight), gradient), slots) in
                weights.iter().zip(gradients).zip(&mut self.slots)
            {
                let Some(mut gradient) = gradient else {
                    continue;
                };
                if let Some(factor) = &clip_factor {
                    gradient = gradient.f_mul(factor)?;
                }
                let mut weight = weight.shallow_clone();
                let decay = if parameter.role.decays() {
                    self.weight_decay
                } else {
                    0.0
                };
                if decay > 0.0 && !self.rule.decays_weights() {
                    gradient = gradient.f_add(&weight.f_mul_scalar(decay)?)?;
                }
                self.rule
                    .update(&mut weight, &gradient, slots, Step { rate, decay, count })?;
                weight.zero_grad();
            }
            Ok(())
        })
    }

    /// Returns the gradients of the loss with its L2 term; `None` for batch-norm statistics.
    fn gradients(&self, weights: &Weights) -> Result<Vec<Option<Tensor>>, TchError> {
        let gradient = |(parameter, weight): (&Parameter, &Tensor)| {
            if !parameter.role.is_trainable() {
                return Ok(None);
            }
            let gradient = weight.grad();
            if self.l2 > 0.0 && parameter.role == Role::ConvWeight {
                return Ok(Some(gradient.f_add(&weight.f_mul_scalar(2.0 * self.l2)?)?));
            }
            Ok(Some(gradient))
        };
        weights.iter().map(gradient).collect()
    }

    /// Returns the factor that limits the norm of all gradients to `clip_norm`; `None` without a limit.
    ///
    /// Source: Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks" (2013), algorithm 1.
    fn clip_factor(&self, gradients: &[Option<Tensor>]) -> Result<Option<Tensor>, TchError> {
        if self.clip_norm == 0.0 {
            return Ok(None);
        }
        let norm = norm(gradients.iter().flatten())?;
        Ok(Some(
            norm.f_reciprocal()?
                .f_mul_scalar(self.clip_norm)?
                .f_clamp_max(1.0)?,
        ))
    }

    /// Returns the state for a checkpoint: name of the state tensor, name of the parameter, tensor.
    pub fn state<'a>(
        &'a self,
        weights: &'a Weights,
    ) -> impl Iterator<Item = (&'static str, &'a str, &'a Tensor)> {
        weights
            .iter()
            .zip(&self.slots)
            .flat_map(move |((parameter, _), slots)| {
                let kinds = self.rule.slots().iter();
                kinds
                    .zip(slots)
                    .map(|(kind, tensor)| (*kind, parameter.name.as_str(), tensor))
            })
    }

    /// Restores the state that [`Self::state`] returned.
    ///
    /// # Errors
    /// Returns `kind/NAME` of the first tensor that is missing or has another shape.
    pub fn restore(
        &mut self,
        weights: &Weights,
        saved: impl Fn(&str) -> Option<Tensor>,
    ) -> Result<(), String> {
        for ((parameter, _), slots) in weights.iter().zip(&mut self.slots) {
            for (kind, slot) in self.rule.slots().iter().zip(slots) {
                let key = format!("{kind}/{}", parameter.name);
                match saved(&key).filter(|tensor| tensor.size() == slot.size()) {
                    Some(tensor) => no_grad(|| slot.copy_(&tensor)),
                    None => return Err(key),
                }
            }
        }
        Ok(())
    }
}

/// Returns the Euclidean norm of all tensors together.
///
/// # Errors
/// Returns an error of libtorch.
pub(super) fn norm<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) -> Result<Tensor, TchError> {
    let norms: Vec<Tensor> = tensors
        .into_iter()
        .map(Tensor::f_norm)
        .collect::<Result<_, _>>()?;
    Tensor::f_stack(&norms, 0)?.f_norm()?.f_to_kind(Kind::Float)
}

#[cfg(test)]
mod tests;
