//! Parses the names of families and builds their networks.

use super::Options;
use crate::arch::{
    densenet::DenseNet,
    graph::Graph,
    head::{Head, Pooling},
    resnet, resnet_d,
    shape::ShapeError,
    stage::{self, Stage},
};

/// Maximum depth of a named network.
const MAX_DEPTH: usize = 2_000;

/// Builds one of the Keras examples' networks from the parts of its name; `None` if the parts do not match a pattern.
pub(super) fn keras_network(
    name: &str,
    parts: &[&str],
    pooling: Pooling,
    options: &Options,
) -> Option<Result<Graph, ShapeError>> {
    let head = Head {
        pooling,
        dropout: options.head_dropout,
    };
    match *parts {
        ["resnet", depth, "v1"] => Some(resnet::v1(name, repeats(depth, 2, 6)?, head)),
        ["resnet", depth, "v2"] => Some(resnet::v2(name, repeats(depth, 2, 9)?, head)),
        ["densenet", depth, growth, compression, ref rest @ ..] => {
            let blocks = match rest {
                [] => 4,
                [blocks] => parse_number(blocks.strip_prefix('b')?)?,
                _ => return None,
            };
            let tenths = compression.strip_prefix('c').and_then(parse_number)?;
            let net = DenseNet {
                bottlenecks: repeats(depth, 4, 2 * blocks)?,
                growth: parse_number(growth)?,
                blocks,
                tenths: (tenths <= 10).then_some(tenths)?,
                dropout: options.dropout,
                head,
            };
            Some(net.build(name))
        }
        _ => None,
    }
}

/// Builds a wide ResNet from the parts of its name; `None` if there is no stem or no stage.
pub(super) fn wide_resnet(
    name: &str,
    layers: &[&str],
    options: &Options,
) -> Option<Result<Graph, ShapeError>> {
    let (stem, stages) = layers.split_at(layers.iter().position(|layer| layer.contains('x'))?);
    let stem: Vec<usize> = stem
        .iter()
        .map(|width| stage::parse_size(width))
        .collect::<Option<_>>()?;
    let stages = Stage::parse_all(stages)?;
    (!stem.is_empty()).then(|| resnet_d::build(name, &stem, &stages, options.head_dropout))
}

/// Parses a number of a name, from 1 to [`MAX_DEPTH`].
fn parse_number(text: &str) -> Option<usize> {
    text.parse().ok().filter(|n| (1..=MAX_DEPTH).contains(n))
}

/// Returns how often a part of `layers` layers occurs in a network of this depth that has `rest` other layers.
fn repeats(depth: &str, rest: usize, layers: usize) -> Option<usize> {
    let body = parse_number(depth)?.checked_sub(rest)?;
    (body > 0 && body % layers == 0).then_some(body / layers)
}
