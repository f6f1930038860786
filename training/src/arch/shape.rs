//! Sizes of every intermediate result, and the work that it takes.

use super::{
    graph::{Graph, Node},
    op::{Op, Padding, PoolScaling},
};

/// The shape of one node's output for one picture (the batch axis is left out).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A square map of `channels` planes, `side` x `side` pixels each.
    Map {
        /// Planes.
        channels: usize,
        /// Height and width in pixels.
        side: usize,
    },
    /// A vector of so many values.
    Vector(usize),
}

/// A network whose parts do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// An operand of the wrong kind or number.
    #[error("{graph}: node `{node}` cannot take {found}")]
    Operand {
        /// The network.
        graph: String,
        /// The node.
        node: String,
        /// What it was given.
        found: String,
    },
    /// A window larger than the map under it.
    #[error(
        "{graph}: node `{node}` has a window of {kernel} px on a map of {side} px; use larger faces"
    )]
    TooSmall {
        /// The network.
        graph: String,
        /// The node.
        node: String,
        /// Side of the window, px.
        kernel: usize,
        /// Side of the map, px.
        side: usize,
    },
    /// The last node is not a vector.
    #[error("{graph}: the last node must be the logits")]
    NoLogits {
        /// The network.
        graph: String,
    },
}

/// The pooling window at a map of `side` pixels where it is `kernel` on the map of `native_side`.
pub fn scaled_kernel(kernel: usize, side: usize, native_side: usize) -> usize {
    ((kernel * side + native_side / 2) / native_side).max(1)
}

/// Shapes of all nodes for pictures of `side` pixels, in node order.
///
/// # Errors
/// Where operands do not fit.
pub fn infer(graph: &Graph, side: usize) -> Result<Vec<Shape>, ShapeError> {
    let mut native: Vec<Shape> = Vec::with_capacity(graph.nodes().len());
    let mut shapes: Vec<Shape> = Vec::with_capacity(graph.nodes().len());
    for node in graph.nodes() {
        let own = node_shape(graph, node, &native, graph.side(), &native)?;
        let at_side = node_shape(graph, node, &shapes, side, &native)?;
        native.push(own);
        shapes.push(at_side);
    }
    Ok(shapes)
}

fn node_shape(
    graph: &Graph,
    node: &Node,
    shapes: &[Shape],
    input_side: usize,
    native: &[Shape],
) -> Result<Shape, ShapeError> {
    let operands: Vec<Shape> = node.inputs.iter().map(|id| shapes[id.index()]).collect();
    let misfit = || ShapeError::Operand {
        graph: graph.name().to_owned(),
        node: node.name.clone(),
        found: format!("{operands:?}"),
    };
    let map = || match operands[..] {
        [Shape::Map { channels, side }] => Ok((channels, side)),
        _ => Err(misfit()),
    };
    let window = |kernel, stride, padding: Padding, side| {
        padding.output(side, kernel, stride).ok_or_else(|| ShapeError::TooSmall {
            graph: graph.name().to_owned(),
            node: node.name.clone(),
            kernel,
            side,
        })
    };
    match node.op {
        Op::Input if operands.is_empty() => Ok(Shape::Map { channels: 1, side: input_side }),
        Op::Input => Err(misfit()),
        Op::Normalize { .. } | Op::BatchNorm { .. } => {
            map().map(|(channels, side)| Shape::Map { channels, side })
        }
        Op::Relu | Op::Dropout { .. } | Op::StochasticDepth { .. } => match operands[..] {
            [shape] => Ok(shape),
            _ => Err(misfit()),
        },
        Op::Conv { filters, kernel, stride, padding, bias: _ } => {
            let (_, side) = map()?;
            Ok(Shape::Map { channels: filters, side: window(kernel, stride, padding, side)? })
        }
        Op::AvgPool { kernel, scaling } => {
            let (channels, side) = map()?;
            let kernel = match (scaling, native[node.inputs[0].index()]) {
                (PoolScaling::WithMap, Shape::Map { side: own, .. }) => {
                    scaled_kernel(kernel, side, own)
                }
                (PoolScaling::WithMap | PoolScaling::Fixed, _) => kernel,
            };
            Ok(Shape::Map { channels, side: window(kernel, kernel, Padding::Valid, side)? })
        }
        Op::Add => match operands[..] {
            [a, b] if a == b => Ok(a),
            _ => Err(misfit()),
        },
        Op::Concat => concat(&operands).ok_or_else(misfit),
        Op::Flatten { order: _ } => {
            map().map(|(channels, side)| Shape::Vector(channels * side * side))
        }
        Op::Linear { outputs } => match operands[..] {
            [Shape::Vector(_)] => Ok(Shape::Vector(outputs)),
            _ => Err(misfit()),
        },
    }
}

fn concat(operands: &[Shape]) -> Option<Shape> {
    let mut total = 0;
    let mut common = None;
    for operand in operands {
        let Shape::Map { channels, side } = *operand else { return None };
        if *common.get_or_insert(side) != side {
            return None;
        }
        total += channels;
    }
    Some(Shape::Map { channels: total, side: common? })
}

/// Multiply-adds of the convolutions and dense layers for one picture of the network's own side.
///
/// # Errors
/// Where operands do not fit.
pub fn multiply_adds(graph: &Graph) -> Result<u64, ShapeError> {
    let shapes = infer(graph, graph.side())?;
    let work = graph.nodes().iter().zip(&shapes).map(|(node, out)| {
        let operand = node.inputs.first().map(|id| shapes[id.index()]);
        match node.op {
            Op::Conv { kernel, filters, .. } => match (operand, *out) {
                (Some(Shape::Map { channels, .. }), Shape::Map { side, .. }) => {
                    side * side * kernel * kernel * channels * filters
                }
                _ => 0,
            },
            Op::Linear { outputs } => match operand {
                Some(Shape::Vector(inputs)) => inputs * outputs,
                _ => 0,
            },
            Op::Input
            | Op::Normalize { .. }
            | Op::BatchNorm { .. }
            | Op::Relu
            | Op::Dropout { .. }
            | Op::StochasticDepth { .. }
            | Op::AvgPool { .. }
            | Op::Add
            | Op::Concat
            | Op::Flatten { .. } => 0,
        }
    });
    Ok(work.map(|w| w as u64).sum())
}
