//! VGG: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition" (2015), section 2,
//! with batch normalisation after each 3x3 convolution, mean pooling by 2 between stages, and a mean over the last map
//! instead of the three dense layers.

use super::{
    builder::GraphBuilder,
    graph::Graph,
    head::{Head, Pooling},
    interface::{INPUT_SIDE, NORMALIZE},
    op::{Op, PoolScaling},
    shape::ShapeError,
    stage::Stage,
};

/// Builds a VGG of these stages.
///
/// # Errors
/// Returns [`ShapeError::TooSmall`] for more than six stages, because the map is then smaller than the pooling window.
pub fn build(name: &str, stages: &[Stage], head_dropout: f64) -> Result<Graph, ShapeError> {
    let (mut b, image) = GraphBuilder::new(name, INPUT_SIDE);
    let mut x = b.add("normalize", NORMALIZE, &[image]);
    let mut side = INPUT_SIDE;
    for (index, stage) in stages.iter().enumerate() {
        if index > 0 {
            let pool = Op::AvgPool {
                kernel: 2,
                scaling: PoolScaling::Fixed,
            };
            x = b.add(format!("stage{}.pool", index + 1), pool, &[x]);
            side /= 2;
        }
        for layer in 0..stage.depth {
            let prefix = format!("stage{}.layer{}", index + 1, layer + 1);
            x = b.conv_bn_relu(&prefix, stage.width, x);
        }
    }
    Head {
        pooling: Pooling::Global,
        dropout: head_dropout,
    }
    .finish(b, x, side)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::summary::summary;

    #[test]
    fn vgg_parameters_match_hand_count() {
        let stages = [
            Stage { width: 8, depth: 2 },
            Stage {
                width: 16,
                depth: 1,
            },
        ];
        let figures = summary(&build("vgg", &stages, 0.0).unwrap()).unwrap();
        let convolutions = 9 * (8 + 8 * 8 + 8 * 16);
        assert_eq!(
            figures.trainable,
            convolutions + 2 * (8 + 8 + 16) + 7 * 16 + 7
        );
        assert_eq!(figures.statistics, 2 * (8 + 8 + 16));
        let multiply_adds = 48 * 48 * 9 * (8 + 8 * 8) + 24 * 24 * 9 * 8 * 16 + 7 * 16;
        assert_eq!(figures.multiply_adds, multiply_adds);
    }

    #[test]
    fn seventh_stage_is_an_error() {
        let stages = [Stage { width: 1, depth: 1 }; 7];
        assert!(build("vgg", &stages[..6], 0.0).is_ok());
        assert!(matches!(
            build("vgg", &stages, 0.0),
            Err(ShapeError::TooSmall { .. })
        ));
    }
}
