//! Wide ResNets of basic blocks whose shortcuts pool before they project: He, Zhang, Zhang, Zhang, Xie, Li, "Bag of Tricks
//! for Image Classification with Convolutional Neural Networks" (2019), section 4.2, ResNet-D.
//!
//! Unlike in the paper, the mean pooling precedes both branches of a stage's first block, so that its convolutions have
//! stride 1. The weight gradient of a 3x3 convolution with stride 2 takes four times as long on a CPU.

use super::{
    builder::GraphBuilder,
    graph::{Graph, NodeId},
    head::{Head, Pooling},
    interface::{INPUT_SIDE, NORMALIZE},
    op::{Op, PoolScaling},
    shape::ShapeError,
    stage::Stage,
};

/// Builds a network of `stem` convolutions at the full resolution, given by their widths, and of stages that each halve
/// the resolution.
///
/// # Errors
/// Returns [`ShapeError::TooSmall`] for more than five stages, because the map is then smaller than the pooling window.
pub fn build(
    name: &str,
    stem: &[usize],
    stages: &[Stage],
    head_dropout: f64,
) -> Result<Graph, ShapeError> {
    let (mut b, image) = GraphBuilder::new(name, INPUT_SIDE);
    let mut x = b.add("normalize", NORMALIZE, &[image]);
    let mut channels = 1;
    for (index, &width) in stem.iter().enumerate() {
        x = b.conv_bn_relu(&format!("stem{}", index + 1), width, x);
        channels = width;
    }
    let mut side = INPUT_SIDE;
    for (index, stage) in stages.iter().enumerate() {
        let pool = Op::AvgPool {
            kernel: 2,
            scaling: PoolScaling::Fixed,
        };
        x = b.add(format!("stage{}.pool", index + 1), pool, &[x]);
        side /= 2;
        for block in 0..stage.depth {
            let prefix = format!("stage{}.block{}", index + 1, block + 1);
            x = basic_block(&mut b, &prefix, stage.width, channels, x);
            channels = stage.width;
        }
    }
    Head {
        pooling: Pooling::Global,
        dropout: head_dropout,
    }
    .finish(b, x, side)
}

/// Appends two 3x3 convolutions and their shortcut: the identity, or a 1x1 convolution if the width changes.
fn basic_block(
    b: &mut GraphBuilder,
    prefix: &str,
    width: usize,
    channels: usize,
    x: NodeId,
) -> NodeId {
    let at = |part: &str| format!("{prefix}.{part}");
    let y = b.conv_bn_relu(&at("conv1"), width, x);
    let y = b.conv_bn(&at("conv2"), width, 3, y);
    let shortcut = if channels == width {
        x
    } else {
        b.conv_bn(&at("shortcut"), width, 1, x)
    };
    let sum = b.add(at("add"), Op::Add, &[shortcut, y]);
    b.relu(at("relu"), sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::summary::summary;

    #[test]
    fn resnet_d_parameters_match_hand_count() {
        let stages = [
            Stage { width: 8, depth: 2 },
            Stage {
                width: 16,
                depth: 1,
            },
        ];
        let figures = summary(&build("resnet-d", &[4, 8], &stages, 0.0).unwrap()).unwrap();
        // The first stage keeps the stem's width: identity shortcuts only.
        let convolutions = 9 * (4 + 4 * 8 + 4 * 8 * 8 + 8 * 16 + 16 * 16) + 8 * 16;
        let channels = 4 + 8 + 4 * 8 + 3 * 16;
        assert_eq!(figures.trainable, convolutions + 2 * channels + 7 * 16 + 7);
        assert_eq!(figures.statistics, 2 * channels);
    }

    #[test]
    fn sixth_stage_is_an_error() {
        let stages = [Stage { width: 1, depth: 1 }; 6];
        assert!(build("resnet-d", &[1], &stages[..5], 0.0).is_ok());
        assert!(matches!(
            build("resnet-d", &[1], &stages, 0.0),
            Err(ShapeError::TooSmall { .. })
        ));
    }
}
