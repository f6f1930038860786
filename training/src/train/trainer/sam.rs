//! Sharpness-aware minimisation: Foret, Kleiner, Mobahi, Neyshabur, "Sharpness-Aware Minimization for Efficiently Improving
//! Generalization" (2021), algorithm 1.
//!
//! A step takes the gradient not at the weights themselves but at the point of highest loss around them, to first order.
//! The weight decay and the L2 term are not part of that loss, as in equation 1.
//!
//! As in the official implementation (google-research/sam, `get_sam_gradient` in
//! `sam_jax/training_utils/flax_training.py`), both passes see the same images and random masks. Only the first pass updates
//! the running statistics of batch norm. The weights of the second pass are never used for inference.

use tch::{TchError, Tensor, no_grad};

use super::optimizer;
use crate::torch::weights::Weights;

/// Added to the norm of the gradient to avoid a division by zero.
const EPSILON: f64 = 1e-12;

/// Weights that were moved to the point of highest loss around them, and their values before.
#[derive(Debug)]
pub struct Ascent {
    /// In the order of [`Weights::iter`]; `None` for statistics.
    before: Vec<Option<Tensor>>,
}

impl Ascent {
    /// Moves the weights by `rho g / ||g||` along their gradients `g` (equation 2 with p = 2) and clears the gradients.
    ///
    /// # Errors
    /// Returns an error of libtorch.
    pub fn climb(weights: &Weights, rho: f64) -> Result<Self, TchError> {
        no_grad(|| {
            let trained = weights
                .iter()
                .filter(|(parameter, _)| parameter.role.is_trainable());
            let gradients: Vec<Tensor> = trained.map(|(_, weight)| weight.grad()).collect();
            let norm = optimizer::norm(&gradients)?;
            let scale = norm
                .f_add_scalar(EPSILON)?
                .f_reciprocal()?
                .f_mul_scalar(rho)?;
            let mut before = Vec::new();
            for (parameter, weight) in weights.iter() {
                let trained = parameter.role.is_trainable();
                before.push(trained.then(|| weight.detach().copy()));
                if trained {
                    let mut weight = weight.shallow_clone();
                    let _ = weight.f_add_(&weight.grad().f_mul(&scale)?)?;
                    weight.zero_grad();
                }
            }
            Ok(Self { before })
        })
    }

    /// Restores the exact values of the weights. Their gradients stay unchanged.
    ///
    /// # Errors
    /// Returns an error of libtorch.
    pub fn undo(self, weights: &Weights) -> Result<(), TchError> {
        no_grad(|| {
            for ((_, weight), before) in weights.iter().zip(&self.before) {
                if let Some(before) = before {
                    weight.shallow_clone().f_copy_(before)?;
                }
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::{
        arch::{
            builder::GraphBuilder,
            op::{FlattenOrder, Op},
        },
        torch::{
            masks::Masks,
            network::{Mode, Network, Statistics},
        },
    };

    #[test]
    fn gradient_is_taken_at_distance_rho_along_ascent() {
        // One pixel p, one weight w, one bias b: the loss (w p + b)^2 has the gradient 2 (w p + b) (p, 1).
        let (mut b, x) = GraphBuilder::new("one", 1);
        let x = b.add(
            "flatten",
            Op::Flatten {
                order: FlattenOrder::HeightWidthChannel,
            },
            &[x],
        );
        b.add("dense", Op::Linear { outputs: 1 }, &[x]);
        let graph = b.finish().unwrap();
        let named = [
            ("dense.weight", vec![1, 1], 0.4f32),
            ("dense.bias", vec![1], -0.7),
        ];
        let named = named.map(|(name, size, value)| {
            (
                name.to_owned(),
                Tensor::full(size, f64::from(value), (Kind::Float, Device::Cpu)),
            )
        });
        let weights = Weights::from_named(&graph, &named.into(), Device::Cpu)
            .unwrap()
            .trainable();
        let network = Network::new(graph, Kind::Float).unwrap();
        let pixel = 3.0;
        let image = Tensor::full([1, 1, 1, 1], pixel, (Kind::Float, Device::Cpu));
        let backward = || {
            let mode = Mode::Train {
                masks: Masks::Shared,
                statistics: Statistics::Update,
            };
            let logit = network.forward(&weights, &image, mode).unwrap();
            logit.square().sum(Kind::Float).backward();
        };
        let of = |read: fn(&Tensor) -> Tensor| -> Vec<f64> {
            weights
                .iter()
                .map(|(_, tensor)| read(tensor).double_value(&[]))
                .collect()
        };
        let close = |found: Vec<f64>, expected: [f64; 2]| {
            for (found, expected) in found.into_iter().zip(expected) {
                assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
            }
        };

        let (rho, logit, length) = (0.1, 0.4 * pixel - 0.7, (pixel * pixel + 1.0).sqrt());
        let before = of(Tensor::detach);
        backward();
        close(of(Tensor::grad), [2.0 * logit * pixel, 2.0 * logit]);
        let ascent = Ascent::climb(&weights, rho).unwrap();
        close(
            of(Tensor::detach),
            [0.4 + rho * pixel / length, -0.7 + rho / length],
        );
        assert_eq!(of(Tensor::grad), [0.0, 0.0]);
        backward();
        ascent.undo(&weights).unwrap();
        assert_eq!(of(Tensor::detach), before);
        let there = logit + rho * length;
        close(of(Tensor::grad), [2.0 * there * pixel, 2.0 * there]);
    }

    #[test]
    fn zero_gradient_leaves_weights_unchanged() {
        let graph = crate::arch::catalog::build("resnet-8-v1").unwrap();
        let weights = Weights::random(&graph, 1, Device::Cpu).unwrap().trainable();
        let zeros = weights.iter().filter(|(p, _)| p.role.is_trainable());
        let zeros = zeros
            .map(|(_, t)| (t * 0.0).sum(Kind::Float))
            .reduce(|a, b| a + b)
            .unwrap();
        zeros.backward();
        let before = weights.duplicate();
        Ascent::climb(&weights, 0.05).unwrap();
        for ((parameter, before), (_, after)) in before.iter().zip(weights.iter()) {
            assert!(before == after, "{}", parameter.name);
        }
    }
}
