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
mod tests {
    use tch::Kind;

    use super::*;
    use crate::recipe::options::{Distill, Targets};

    const LOGITS: [f32; 14] = [
        1.0, -2.0, 0.5, 3.0, 0.0, -1.0, 2.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7,
    ];

    fn logits() -> Tensor {
        Tensor::from_slice(&LOGITS).view([2, 7])
    }

    /// Returns the loss of two faces with the labels 3 and 0.
    fn loss(recipe: &Recipe, mixed: Option<(&[i64], f64)>, soft_targets: Option<&[f32]>) -> f64 {
        let part = MicroBatch {
            pixels: &[],
            labels: &[3, 0],
            side: 0,
            mixed,
            soft_targets,
        };
        let labels = [vec![Expression::ALL[3]; 3], vec![Expression::ALL[0]]].concat();
        Loss::new(recipe, &labels)
            .sum(&logits(), part)
            .unwrap()
            .double_value(&[])
    }

    fn softmax(row: usize, temperature: f64) -> Vec<f64> {
        let row = &LOGITS[7 * row..7 * row + 7];
        let exps: Vec<f64> = row
            .iter()
            .map(|&z| (f64::from(z) / temperature).exp())
            .collect();
        let sum: f64 = exps.iter().sum();
        exps.into_iter().map(|e| e / sum).collect()
    }

    fn nll(row: usize, class: usize) -> f64 {
        -softmax(row, 1.0)[class].ln()
    }

    fn plain() -> Recipe {
        Recipe {
            label_smoothing: 0.0,
            ..Recipe::default()
        }
    }

    #[track_caller]
    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
    }

    #[test]
    fn mixup_weighs_both_labels_by_their_shares() {
        let found = loss(&plain(), Some((&[6, 1], 0.25)), None);
        close(
            found,
            0.75 * (nll(0, 3) + nll(1, 0)) + 0.25 * (nll(0, 6) + nll(1, 1)),
        );
    }

    #[test]
    fn balanced_weights_give_classes_equal_totals() {
        let rule = ClassWeights::Rule(ClassWeightRule::Balanced);
        let found = loss(
            &Recipe {
                class_weights: rule,
                ..plain()
            },
            None,
            None,
        );
        // Three faces of one class and one of another: weights 4 / (2 * 3) and 4 / 2.
        close(found, 4.0 / 6.0 * nll(0, 3) + 2.0 * nll(1, 0));
    }

    #[test]
    fn class_weight_scales_whole_smoothed_loss() {
        let mut weights = [1.0; Expression::COUNT];
        (weights[3], weights[0], weights[1]) = (2.0, 5.0, 40.0);
        let class_weights = ClassWeights::Values(weights);
        let found = loss(
            &Recipe {
                label_smoothing: 0.1,
                class_weights,
                ..plain()
            },
            None,
            None,
        );
        let smoothed = |row: usize, class: usize| {
            let every: f64 = (0..Expression::COUNT).map(|class| nll(row, class)).sum();
            0.9 * nll(row, class) + 0.1 / Expression::COUNT as f64 * every
        };
        close(found, 2.0 * smoothed(0, 3) + 5.0 * smoothed(1, 0));
    }

    #[test]
    fn distillation_loss_is_scaled_by_squared_temperature() {
        let distill = Distill {
            teachers: vec!["t".into()],
            teacher_weights: Vec::new(),
            weight: 0.3,
            temperature: 4.0,
            targets: Targets::Online,
        };
        let recipe = Recipe {
            distill: Some(distill),
            ..plain()
        };
        let soft_targets = [
            [0.5f32, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0],
            [0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1],
        ]
        .concat();
        let mut soft = 0.0;
        for (row, soft_targets) in soft_targets.chunks(7).enumerate() {
            for (&p, q) in soft_targets
                .iter()
                .zip(softmax(row, 4.0))
                .filter(|(p, _)| **p > 0.0)
            {
                soft += f64::from(p) * (f64::from(p) / q).ln();
            }
        }
        let hard = nll(0, 3) + nll(1, 0);
        close(
            loss(&recipe, None, Some(&soft_targets)),
            0.7 * hard + 0.3 * 16.0 * soft,
        );
    }

    #[test]
    fn divergence_from_equal_distribution_is_zero() {
        let own = logits().f_div_scalar(3.0).unwrap().softmax(-1, Kind::Float);
        close(
            divergence(&logits(), &own, 3.0).unwrap().double_value(&[]),
            0.0,
        );
    }
}
