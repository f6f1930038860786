use tch::Device;

use super::*;
use crate::{
    arch::{
        builder::GraphBuilder,
        graph::Graph,
        op::{FlattenOrder, Op},
    },
    recipe::options::{AdamWKeys, RmsPropKeys},
};

/// One weight, one bias.
fn graph() -> Graph {
    let (mut b, x) = GraphBuilder::new("one", 1);
    let x = b.add(
        "flatten",
        Op::Flatten {
            order: FlattenOrder::HeightWidthChannel,
        },
        &[x],
    );
    b.add("dense", Op::Linear { outputs: 1 }, &[x]);
    b.finish().unwrap()
}

/// Returns the weight and the bias after one step per gradient. Both start at 0.5.
fn train(recipe: &Recipe, gradients: &[[f64; 2]]) -> [f64; 2] {
    let graph = graph();
    let start = |p: Parameter| (p.name, Tensor::from_slice(&[0.5f32]));
    let named = crate::arch::parameter::list(&graph)
        .unwrap()
        .into_iter()
        .map(start);
    let named = named.map(|(n, t)| {
        if n.ends_with("weight") {
            (n, t.view([1, 1]))
        } else {
            (n, t)
        }
    });
    let weights = Weights::from_named(&graph, &named.collect(), Device::Cpu)
        .unwrap()
        .trainable();
    let mut optimizer = Optimizer::new(&weights, recipe);
    for (index, gradients) in gradients.iter().enumerate() {
        let terms = weights
            .iter()
            .zip(gradients)
            .map(|((_, t), &g)| (t * g).sum(Kind::Float));
        terms.reduce(|a, b| a + b).unwrap().backward();
        optimizer.step(&weights, 0.1, index + 1).unwrap();
    }
    let values: Vec<f64> = weights.iter().map(|(_, t)| t.double_value(&[])).collect();
    values.try_into().unwrap()
}

fn close(found: [f64; 2], expected: [f64; 2]) {
    for (found, expected) in found.into_iter().zip(expected) {
        assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
    }
}

const GRADIENTS: [[f64; 2]; 3] = [[0.3, -2.0], [-0.1, 0.5], [0.7, 0.0]];

#[test]
fn sgd_uses_nesterov_momentum_and_decays_only_weights() {
    let recipe = Recipe {
        momentum: 0.9,
        weight_decay: 0.01,
        ..Recipe::default()
    };
    let by_hand = |column: usize, decay: f64| {
        let (mut w, mut m) = (0.5, 0.0);
        for gradients in GRADIENTS {
            let g = gradients[column] + decay * w;
            m = 0.9 * m + g;
            w -= 0.1 * (g + 0.9 * m);
        }
        w
    };
    close(
        train(&recipe, &GRADIENTS),
        [by_hand(0, 0.01), by_hand(1, 0.0)],
    );
}

#[test]
fn rmsprop_matches_keras() {
    let recipe = Recipe {
        optimizer: OptimizerKind::RmsProp,
        weight_decay: 0.0,
        rmsprop: RmsPropKeys {
            rho: 0.9,
            epsilon: 1e-2,
        },
        ..Recipe::default()
    };
    // Computed by Keras 3.15 from the same three gradients.
    close(train(&recipe, &GRADIENTS), [0.084_663_659, 0.732_791_781]);
}

#[test]
fn adamw_matches_torch() {
    let recipe = Recipe {
        optimizer: OptimizerKind::AdamW,
        weight_decay: 0.1,
        adamw: AdamWKeys {
            epsilon: 1e-3,
            ..AdamWKeys::default()
        },
        ..Recipe::default()
    };
    // Computed by torch 2.13: the weight decays, the bias does not.
    close(train(&recipe, &GRADIENTS), [0.277_227_104, 0.683_124_185]);
}

#[test]
fn clip_norm_scales_only_gradients_above_limit() {
    let recipe = Recipe {
        momentum: 0.0,
        weight_decay: 0.0,
        clip_norm: 1.0,
        ..Recipe::default()
    };
    close(
        train(&recipe, &[[3.0, 4.0]]),
        [0.5 - 0.1 * 0.6, 0.5 - 0.1 * 0.8],
    );
    close(
        train(&recipe, &[[0.3, 0.4]]),
        [0.5 - 0.1 * 0.3, 0.5 - 0.1 * 0.4],
    );
}
