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

fn without_smoothing() -> Recipe {
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
    let found = loss(&without_smoothing(), Some((&[6, 1], 0.25)), None);
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
            ..without_smoothing()
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
            ..without_smoothing()
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
        ..without_smoothing()
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
