//! Gradients to changes of the weights. One file a rule; what all rules share is here.

use tch::{Kind, TchError, Tensor, no_grad};

mod adamw;
mod rmsprop;
mod sgd;

use crate::{
    arch::parameter::{Parameter, Role},
    recipe::{Recipe, choices::OptimizerKind},
    torch::weights::Weights,
};

/// How one weight tensor is changed.
trait Rule: std::fmt::Debug {
    /// Whether it takes the decay off the weight itself; else the decay is part of the gradient.
    fn decays_weights(&self) -> bool {
        false
    }

    /// Names of the tensors that are remembered for each weight, as in the checkpoint (`velocity/NAME`).
    fn slots(&self) -> &'static [&'static str];

    /// Changes a weight along its gradient; `slots` are in the order of [`Rule::slots`].
    fn update(
        &self,
        weight: &mut Tensor,
        gradient: &Tensor,
        slots: &mut [Tensor],
        step: Step,
    ) -> Result<(), TchError>;
}

/// What a rule needs to know of the step.
#[derive(Debug, Clone, Copy)]
struct Step {
    /// Learning rate.
    rate: f64,
    /// Decay of this weight, for a rule that takes it off the weight itself.
    decay: f64,
    /// Steps of the run, this one included.
    count: usize,
}

/// An optimiser with its memory.
#[derive(Debug)]
pub struct Optimizer {
    rule: Box<dyn Rule>,
    weight_decay: f64,
    l2: f64,
    clip_norm: f64,
    /// The rule's tensors for every parameter of the weights; statistics have none.
    slots: Vec<Vec<Tensor>>,
}

impl Optimizer {
    /// A fresh optimiser for these weights.
    pub fn new(weights: &Weights, recipe: &Recipe) -> Self {
        let rule: Box<dyn Rule> = match recipe.optimizer {
            OptimizerKind::Sgd => Box::new(sgd::Sgd { momentum: recipe.momentum }),
            OptimizerKind::RmsProp => Box::new(rmsprop::RmsProp { keys: recipe.rmsprop }),
            OptimizerKind::AdamW => Box::new(adamw::AdamW { keys: recipe.adamw }),
        };
        let fresh = |(parameter, weight): (&Parameter, &Tensor)| {
            let slots: &[&str] = if parameter.role.is_trainable() { rule.slots() } else { &[] };
            slots.iter().map(|_| weight.zeros_like()).collect()
        };
        let slots = no_grad(|| weights.iter().map(fresh).collect());
        Self {
            weight_decay: recipe.weight_decay,
            l2: recipe.l2,
            clip_norm: recipe.clip_norm,
            slots,
            rule,
        }
    }

    /// Changes the weights along their gradients, and clears those. `count` is the number of this step in the run, from 1.
    ///
    /// # Errors
    /// What libtorch refuses.
    pub fn step(&mut self, weights: &Weights, rate: f64, count: usize) -> Result<(), TchError> {
        no_grad(|| {
            let gradients = self.gradients(weights)?;
            let shortened = self.shortening(&gradients)?;
            for (((parameter, weight), gradient), slots) in
                weights.iter().zip(gradients).zip(&mut self.slots)
            {
                let Some(mut gradient) = gradient else { continue };
                if let Some(factor) = &shortened {
                    gradient = gradient.f_mul(factor)?;
                }
                let mut weight = weight.shallow_clone();
                let decay = if parameter.role.decays() { self.weight_decay } else { 0.0 };
                if decay > 0.0 && !self.rule.decays_weights() {
                    gradient = gradient.f_add(&weight.f_mul_scalar(decay)?)?;
                }
                self.rule.update(&mut weight, &gradient, slots, Step { rate, decay, count })?;
                weight.zero_grad();
            }
            Ok(())
        })
    }

    /// The gradients of the loss, its L2 term included; none for statistics.
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

    /// What all gradients are multiplied with so that their norm is at most `clip_norm`; `None` for no limit.
    ///
    /// Source: Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks" (2013), algorithm 1.
    fn shortening(&self, gradients: &[Option<Tensor>]) -> Result<Option<Tensor>, TchError> {
        if self.clip_norm == 0.0 {
            return Ok(None);
        }
        let norm = norm(gradients.iter().flatten())?;
        Ok(Some(norm.f_reciprocal()?.f_mul_scalar(self.clip_norm)?.f_clamp_max(1.0)?))
    }

    /// What it remembers, for a checkpoint: kind, parameter's name, tensor.
    pub fn state<'a>(
        &'a self,
        weights: &'a Weights,
    ) -> impl Iterator<Item = (&'static str, &'a str, &'a Tensor)> {
        weights.iter().zip(&self.slots).flat_map(move |((parameter, _), slots)| {
            let kinds = self.rule.slots().iter();
            kinds.zip(slots).map(|(kind, tensor)| (*kind, parameter.name.as_str(), tensor))
        })
    }

    /// Takes back what [`Self::state`] gave.
    ///
    /// # Errors
    /// `kind/NAME` of the first tensor that is not found or of another shape.
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
    let norms: Vec<Tensor> = tensors.into_iter().map(Tensor::f_norm).collect::<Result<_, _>>()?;
    Tensor::f_stack(&norms, 0)?.f_norm()?.f_to_kind(Kind::Float)
}

#[cfg(test)]
mod tests;
