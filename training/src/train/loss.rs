//! What training makes small.

use mien_faces::expression::Expression;
use tch::{Reduction, TchError, Tensor};

use crate::{
    batches::Part,
    recipe::{
        Recipe,
        choices::{ClassWeightRule, ClassWeights},
    },
};

/// The loss of a recipe: a mean over the faces of a batch.
#[derive(Debug)]
pub struct Loss {
    smoothing: f64,
    /// What the loss of a face of each class is multiplied with; none where all count alike.
    class_weights: Option<[f64; Expression::COUNT]>,
    /// Share and temperature of the teachers.
    distill: Option<(f64, f64)>,
}

impl Loss {
    /// The recipe's loss, for training faces with these labels.
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

    /// The sum of the losses of a part's faces, from their logits `[N, 7]`.
    ///
    /// # Errors
    /// What libtorch refuses.
    pub fn sum(&self, logits: &Tensor, part: Part<'_>) -> Result<Tensor, TchError> {
        let own = self.cross_entropy(logits, part.labels)?;
        let hard = match part.mixed {
            None => own,
            Some((others, share)) => {
                let other = self.cross_entropy(logits, others)?.f_mul_scalar(share)?;
                own.f_mul_scalar(1.0 - share)?.f_add(&other)?
            }
        };
        let (Some((weight, temperature)), Some(taught)) = (self.distill, part.taught) else {
            return Ok(hard);
        };
        let taught = Tensor::from_slice(taught).f_view_as(logits)?.f_to_device(logits.device())?;
        // Hinton et al. (2015), section 2: gradients of the soft part shrink by T^2, which is made up for.
        let soft = divergence(logits, &taught, temperature)?
            .f_mul_scalar(weight * temperature * temperature)?;
        hard.f_mul_scalar(1.0 - weight)?.f_add(&soft)
    }

    fn cross_entropy(&self, logits: &Tensor, labels: &[i64]) -> Result<Tensor, TchError> {
        let device = logits.device();
        let labels = Tensor::from_slice(labels).f_to_device(device)?;
        let loss = |reduction| {
            logits.f_cross_entropy_loss(&labels, None::<Tensor>, reduction, -100, self.smoothing)
        };
        let Some(values) = self.class_weights else { return loss(Reduction::Sum) };
        // libtorch's own weights would weigh the share that smoothing gives to each class by that class, not by the face's.
        let weights = Tensor::from_slice(&values.map(|value| value as f32)).f_to_device(device)?;
        loss(Reduction::None)?.f_dot(&weights.f_index_select(0, &labels)?)
    }
}

/// `KL(taught || softmax(logits / temperature))`, summed over the faces.
fn divergence(logits: &Tensor, taught: &Tensor, temperature: f64) -> Result<Tensor, TchError> {
    let own = logits.f_div_scalar(temperature)?.f_log_softmax(-1, None)?;
    let entropy = taught.f_xlogy(taught)?;
    entropy.f_sub(&taught.f_mul(&own)?)?.f_sum(None)
}

/// `faces / (classes * faces of the class)`; a class without faces counts as one with a single face.
fn balanced(labels: &[Expression]) -> [f64; Expression::COUNT] {
    let classes = Expression::ALL.iter().filter(|expression| labels.contains(expression)).count();
    Expression::ALL.map(|expression| {
        let faces = labels.iter().filter(|&&label| label == expression).count().max(1);
        labels.len() as f64 / (classes.max(1) * faces) as f64
    })
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;
    use crate::recipe::choices::{Distill, Targets};

    const LOGITS: [f32; 14] =
        [1.0, -2.0, 0.5, 3.0, 0.0, -1.0, 2.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7];

    fn logits() -> Tensor {
        Tensor::from_slice(&LOGITS).view([2, 7])
    }

    /// The loss of two faces with labels 3 and 0.
    fn loss(recipe: &Recipe, mixed: Option<(&[i64], f64)>, taught: Option<&[f32]>) -> f64 {
        let part = Part { pixels: &[], labels: &[3, 0], side: 0, mixed, taught };
        let labels = [vec![Expression::ALL[3]; 3], vec![Expression::ALL[0]]].concat();
        Loss::new(recipe, &labels).sum(&logits(), part).unwrap().double_value(&[])
    }

    fn softmax(row: usize, temperature: f64) -> Vec<f64> {
        let row = &LOGITS[7 * row..7 * row + 7];
        let exps: Vec<f64> = row.iter().map(|&z| (f64::from(z) / temperature).exp()).collect();
        let sum: f64 = exps.iter().sum();
        exps.into_iter().map(|e| e / sum).collect()
    }

    fn nll(row: usize, class: usize) -> f64 {
        -softmax(row, 1.0)[class].ln()
    }

    fn plain() -> Recipe {
        Recipe { label_smoothing: 0.0, ..Recipe::default() }
    }

    #[track_caller]
    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
    }

    #[test]
    fn mixed_faces_answer_for_both_labels_by_their_shares() {
        let found = loss(&plain(), Some((&[6, 1], 0.25)), None);
        close(found, 0.75 * (nll(0, 3) + nll(1, 0)) + 0.25 * (nll(0, 6) + nll(1, 1)));
    }

    #[test]
    fn balanced_classes_count_alike() {
        let rule = ClassWeights::Rule(ClassWeightRule::Balanced);
        let found = loss(&Recipe { class_weights: rule, ..plain() }, None, None);
        // Three faces of one class and one of another: weights 4 / (2 * 3) and 4 / 2.
        close(found, 4.0 / 6.0 * nll(0, 3) + 2.0 * nll(1, 0));
    }

    #[test]
    fn the_weight_of_a_face_holds_for_its_smoothed_label_too() {
        let mut weights = [1.0; Expression::COUNT];
        (weights[3], weights[0], weights[1]) = (2.0, 5.0, 40.0);
        let class_weights = ClassWeights::Values(weights);
        let found = loss(&Recipe { label_smoothing: 0.1, class_weights, ..plain() }, None, None);
        let smoothed = |row: usize, class: usize| {
            let every: f64 = (0..Expression::COUNT).map(|class| nll(row, class)).sum();
            0.9 * nll(row, class) + 0.1 / Expression::COUNT as f64 * every
        };
        close(found, 2.0 * smoothed(0, 3) + 5.0 * smoothed(1, 0));
    }

    #[test]
    fn teachers_count_by_their_share_with_the_temperature_made_up_for() {
        let distill = Distill {
            teachers: vec!["t".into()],
            teacher_weights: Vec::new(),
            weight: 0.3,
            temperature: 4.0,
            targets: Targets::Online,
        };
        let recipe = Recipe { distill: Some(distill), ..plain() };
        let taught =
            [[0.5f32, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0], [0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1]].concat();
        let mut soft = 0.0;
        for (row, taught) in taught.chunks(7).enumerate() {
            for (&p, q) in taught.iter().zip(softmax(row, 4.0)).filter(|(p, _)| **p > 0.0) {
                soft += f64::from(p) * (f64::from(p) / q).ln();
            }
        }
        let hard = nll(0, 3) + nll(1, 0);
        close(loss(&recipe, None, Some(&taught)), 0.7 * hard + 0.3 * 16.0 * soft);
    }

    #[test]
    fn a_teacher_that_agrees_costs_nothing() {
        let own = logits().f_div_scalar(3.0).unwrap().softmax(-1, Kind::Float);
        close(divergence(&logits(), &own, 3.0).unwrap().double_value(&[]), 0.0);
    }
}
