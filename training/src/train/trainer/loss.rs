//! Training loss: cross-entropy with label smoothing, class weights, mixup and distillation.

use mien_faces::expression::Expression;
use tch::{Reduction, TchError, Tensor};

use crate::{
    batches::MicroBatch,
    recipe::{
        Recipe,
        options::{ClassWeightRule, ClassWeights},
    },
};

/// The loss function of a recipe.
#[derive(Debug)]
pub struct Loss {
    smoothing: f64,
    /// Factor of the loss per class; `None` for equal weights.
    class_weights: Option<[f64; Expression::COUNT]>,
    /// Weight and temperature of distillation.
    distill: Option<(f64, f64)>,
}

impl Loss {
    /// Creates the recipe's loss. `labels` are the labels of all training faces, for balanced class weights.
    pub fn new(recipe: &Recipe, labels: &[Expression]) -> Self {
        let class_weights = match recipe.class_weights {
            ClassWeights::Rule(ClassWeightRule::None) => None,
            ClassWeights::Rule(ClassWeightRule::Balanced) => Some(balanced(labels)),
            ClassWeights::Values(values) => Some(values),
        };
        Self {
            smoothing: recipe.label_smoothing,
            class_weights,
            distill: recipe.distill.as_ref().map(|d| (d.weight, d.temperature)),
        }
    }

    /// Returns the sum of the losses of a micro-batch's faces from their logits `[N, 7]`.
    ///
    /// # Errors
    /// Returns an error of libtorch.
    pub fn sum(&self, logits: &Tensor, part: MicroBatch<'_>) -> Result<Tensor, TchError> {
        let own = self.cross_entropy(logits, part.labels)?;
        let hard = match part.mixed {
            None => own,
            Some((others, share)) => {
                let other = self.cross_entropy(logits, others)?.f_mul_scalar(share)?;
                own.f_mul_scalar(1.0 - share)?.f_add(&other)?
            }
        };
        let (Some((weight, temperature)), Some(soft_targets)) = (self.distill, part.soft_targets)
        else {
            return Ok(hard);
        };
        let soft_targets = Tensor::from_slice(soft_targets)
            .f_view_as(logits)?
            .f_to_device(logits.device())?;
        // Hinton et al. (2015), section 2: the gradients of soft targets scale as 1 / T^2, so the term is multiplied by T^2.
        let soft = divergence(logits, &soft_targets, temperature)?
            .f_mul_scalar(weight * temperature * temperature)?;
        hard.f_mul_scalar(1.0 - weight)?.f_add(&soft)
    }

    fn cross_entropy(&self, logits: &Tensor, labels: &[i64]) -> Result<Tensor, TchError> {
        let device = logits.device();
        let labels = Tensor::from_slice(labels).f_to_device(device)?;
        let loss = |reduction| {
            logits.f_cross_entropy_loss(&labels, None::<Tensor>, reduction, -100, self.smoothing)
        };
        let Some(values) = self.class_weights else {
            return loss(Reduction::Sum);
        };
        // libtorch's class weights would weigh each class of the smoothed target by its own weight, not by the label's.
        let weights = Tensor::from_slice(&values.map(|value| value as f32)).f_to_device(device)?;
        loss(Reduction::None)?.f_dot(&weights.f_index_select(0, &labels)?)
    }
}

/// Returns `KL(soft_targets || softmax(logits / temperature))`, summed over the faces.
fn divergence(
    logits: &Tensor,
    soft_targets: &Tensor,
    temperature: f64,
) -> Result<Tensor, TchError> {
    let own = logits.f_div_scalar(temperature)?.f_log_softmax(-1, None)?;
    let entropy = soft_targets.f_xlogy(soft_targets)?;
    entropy.f_sub(&soft_targets.f_mul(&own)?)?.f_sum(None)
}

/// Returns `faces / (classes * faces of the class)` per class. A class without faces counts as a class with one face.
fn balanced(labels: &[Expression]) -> [f64; Expression::COUNT] {
    let classes = Expression::ALL
        .iter()
        .filter(|expression| labels.contains(expression))
        .count();
    Expression::ALL.map(|expression| {
        let faces = labels
            .iter()
            .filter(|&&label| label == expression)
            .count()
            .max(1);
        labels.len() as f64 / (classes.max(1) * faces) as f64
    })
}

#[cfg(test)]
mod tests;
