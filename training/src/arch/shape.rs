//! Shapes of all node outputs, and the number of multiply-adds.

use super::{
    graph::{Graph, Node},
    op::{Op, Padding, PoolScaling},
};

/// Shape of a node's output for one image, without the batch axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A square feature map.
    Map {
        /// Number of channels.
        channels: usize,
        /// Height and width in pixels.
        side: usize,
    },
    /// A vector of this length.
    Vector(usize),
}

/// The shapes of a network are inconsistent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// A node has the wrong number or shapes of operands.
    #[error("{graph}: node `{node}` does not accept operands of the shapes {found}")]
    Operand {
        /// The network.
        graph: String,
        /// The node.
        node: String,
        /// Shapes of the operands.
        found: String,
    },
    /// A window is larger than its map.
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
    /// The output of the last node is not a vector.
    #[error("{graph}: the output of the last node must be a vector of logits")]
    NoLogits {
        /// The network.
        graph: String,
    },
}

/// Scales a pooling window of `kernel` px on a map of `native_side` px to a map of `side` px.
pub fn scaled_kernel(kernel: usize, side: usize, native_side: usize) -> usize {
    ((kernel * side + native_side / 2) / native_side).max(1)
}

/// Returns the output shapes of all nodes for images of `side` px, in node order.
///
/// # Errors
/// Returns an error if the shapes are inconsistent.
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
        padding
            .output(side, kernel, stride)
            .ok_or_else(|| ShapeError::TooSmall {
                graph: graph.name().to_owned(),
                node: node.name.clone(),
                kernel,
                side,
            })
    };
    match node.op {
        Op::Input if operands.is_empty() => Ok(Shape::Map {
            channels: 1,
            side: input_side,
        }),
        Op::Input => Err(misfit()),
        Op::Normalize { .. } | Op::BatchNorm { .. } => {
            map().map(|(channels, side)| Shape::Map { channels, side })
        }
        Op::Relu | Op::Dropout { .. } | Op::StochasticDepth { .. } => match operands[..] {
            [shape] => Ok(shape),
            _ => Err(misfit()),
        },
        Op::Conv {
            filters,
            kernel,
            stride,
            padding,
            bias: _,
        } => {
            let (_, side) = map()?;
            Ok(Shape::Map {
                channels: filters,
                side: window(kernel, stride, padding, side)?,
            })
        }
        Op::AvgPool { kernel, scaling } => {
            let (channels, side) = map()?;
            let kernel = match (scaling, native[node.inputs[0].index()]) {
                (PoolScaling::WithMap, Shape::Map { side: own, .. }) => {
                    scaled_kernel(kernel, side, own)
                }
                (PoolScaling::WithMap | PoolScaling::Fixed, _) => kernel,
            };
            Ok(Shape::Map {
                channels,
                side: window(kernel, kernel, Padding::Valid, side)?,
            })
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
        let Shape::Map { channels, side } = *operand else {
            return None;
        };
        if *common.get_or_insert(side) != side {
            return None;
        }
        total += channels;
    }
    Some(Shape::Map {
        channels: total,
        side: common?,
    })
}

/// Returns the multiply-adds of the convolutions and dense layers for one image of the network's own size.
///
/// # Errors
/// Returns an error if the shapes are inconsistent.
pub fn multiply_adds(graph: &Graph) -> Result<u64, ShapeError> {
    let shapes = infer(graph, graph.side())?;
    let work = graph.nodes().iter().zip(&shapes).map(|(node, out)| {
        let operand = node.inputs.first().map(|id| shapes[id.index()]);
        match node.op {
            Op::Conv {
                kernel, filters, ..
            } => match (operand, *out) {
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
