use tch::{Device, Reduction};

use super::*;
use crate::arch::catalog::{self, Options};

/// A small network of each family.
const TINY: [&str; 5] = [
    "resnet-8-v1",
    "resnet-11-v2",
    "densenet-20-4-c05",
    "vgg-8x2-16x1",
    "resnet-d-8-8x1-16x2",
];

const TRAIN: Mode = Mode::Train {
    masks: Masks::Shared,
    statistics: Statistics::Update,
};

/// Returns the logits of eight faces and the flattened gradient of their loss.
fn train_step(name: &str, kind: Kind) -> (Tensor, Tensor) {
    let graph = catalog::build(name).unwrap();
    let weights = Weights::random(&graph, 1, Device::Cpu).unwrap().trainable();
    let network = Network::new(graph, kind).unwrap();
    let pixels: Vec<f32> = (0..8 * 24 * 24).map(|i| (i * i % 251) as f32).collect();
    let faces = Tensor::from_slice(&pixels).view([8, 1, 24, 24]);
    let labels = Tensor::from_slice(&[0i64, 1, 2, 3, 4, 5, 6, 0]);
    let logits = network.forward(&weights, &faces, TRAIN).unwrap();
    logits
        .cross_entropy_loss::<Tensor>(&labels, None, Reduction::Mean, -100, 0.0)
        .backward();
    let trained = weights.iter().filter(|(p, _)| p.role.is_trainable());
    let gradients: Vec<Tensor> = trained.map(|(_, t)| t.grad().flatten(0, -1)).collect();
    (logits.detach(), Tensor::cat(&gradients, 0))
}

/// Returns the distance of `b` from `a` relative to the norm of `a`.
fn distance(a: &Tensor, b: &Tensor) -> f64 {
    ((a - b).norm() / a.norm()).double_value(&[])
}

#[test]
fn bf16_matches_fp32_within_its_precision() {
    // bf16 has 8 bits of significand: 0.4 % per rounding, and some dozens of roundings in sequence.
    for name in TINY {
        let (logits, gradient) = train_step(name, Kind::Float);
        let (rough_logits, rough_gradient) = train_step(name, Kind::BFloat16);
        assert!(
            logits.kind() == Kind::Float && rough_logits.kind() == Kind::Float,
            "{name}"
        );
        let off = distance(&logits, &rough_logits);
        assert!(off > 0.0, "{name}: bf16 was not used");
        assert!(off < 0.05, "{name}: logits differ by {off}");
        let off = distance(&gradient, &rough_gradient);
        // The backward pass of batch norm subtracts the mean and divides, which amplifies rounding errors.
        assert!(off < 0.3, "{name}: gradients differ by {off}");
    }
}

#[test]
fn every_map_is_channels_last() {
    for name in TINY {
        let graph = catalog::build(name).unwrap();
        let weights = Weights::random(&graph, 1, Device::Cpu).unwrap();
        let network = Network::new(graph, Kind::Float).unwrap();
        let images = Tensor::rand([2, 1, 48, 48], (Kind::Float, Device::Cpu)) * 255.0;
        let mut values: Vec<Tensor> = Vec::new();
        for (index, node) in network.graph().nodes().iter().enumerate() {
            let read = node.inputs.iter().map(|id| &values[id.index()]);
            let mut operands: Vec<&Tensor> = read.collect();
            if operands.is_empty() {
                operands.push(&images);
            }
            let value = network
                .value(index, node, &operands, &weights, TRAIN)
                .unwrap();
            // Channels-last: the stride of the channel axis is 1.
            assert!(
                value.dim() != 4 || value.stride()[1] == 1,
                "{name}: {}",
                node.name
            );
            values.push(value);
        }
    }
}

/// Returns the logits of two faces with these options. Each call creates weights, because training changes the running
/// statistics.
fn logits(name: &str, options: &Options, mode: Mode) -> Tensor {
    let graph = catalog::build_with(name, options).unwrap();
    let weights = Weights::random(&graph, 1, Device::Cpu).unwrap();
    let network = Network::new(graph, Kind::Float).unwrap();
    let pixels: Vec<f32> = (0..2 * 48 * 48).map(|i| (i * i % 251) as f32).collect();
    let faces = Tensor::from_slice(&pixels).view([2, 1, 48, 48]);
    network.forward(&weights, &faces, mode).unwrap()
}

#[test]
fn masks_act_in_training_only() {
    let dropout = Options {
        dropout: 0.5,
        ..Options::default()
    };
    let depth = Options {
        stochastic_depth: 0.9,
        ..Options::default()
    };
    for (name, options) in [
        ("densenet-12-4-c05-b2", dropout),
        ("resnet-20-v1", depth),
        ("resnet-20-v2", depth),
        ("resnet-d-8-8x2-16x2", depth),
    ] {
        let plain = |mode| logits(name, &Options::default(), mode);
        let masked = |mode| logits(name, &options, mode);
        assert!(masked(Mode::Eval) == plain(Mode::Eval), "{name}");
        let measure = Mode::Measure { share: 1.0 };
        assert!(masked(measure) == plain(measure), "{name}");
        // Two passes draw equal masks by chance, but not twenty.
        let first = masked(TRAIN);
        assert!((0..20).any(|_| masked(TRAIN) != first), "{name}");
        let own = |seed| Mode::Train {
            masks: Masks::Own(seed),
            statistics: Statistics::Update,
        };
        assert!(masked(own(1)) == masked(own(1)), "{name}");
        assert!(masked(own(1)) != masked(own(2)), "{name}");
        assert!(masked(own(1)) != plain(own(1)), "{name}");
    }
}

#[test]
fn frozen_mode_uses_batch_and_preserves_running_statistics() {
    let graph = catalog::build("resnet-8-v1").unwrap();
    let weights = Weights::random(&graph, 1, Device::Cpu).unwrap();
    let network = Network::new(graph, Kind::Float).unwrap();
    let faces = Tensor::arange(2 * 24 * 24, (Kind::Float, Device::Cpu)).view([2, 1, 24, 24]);
    let before = weights.duplicate();
    let frozen = Mode::Train {
        masks: Masks::Shared,
        statistics: Statistics::Freeze,
    };
    let logits = network.forward(&weights, &faces, frozen).unwrap();
    for ((parameter, before), (_, after)) in before.iter().zip(weights.iter()) {
        assert!(before == after, "{}", parameter.name);
    }
    assert!(logits == network.forward(&weights, &faces, TRAIN).unwrap());
    let moved = before
        .iter()
        .zip(weights.iter())
        .any(|((_, before), (_, after))| before != after);
    assert!(moved, "an ordinary pass moves the running statistics");
}
