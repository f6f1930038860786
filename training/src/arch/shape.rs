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

/// Returns the side of a pooling window on a map of `side` px, from `kernel` px on the map `native` of a face of the network's
/// own size.
pub fn pool_kernel(kernel: usize, scaling: PoolScaling, side: usize, native: Shape) -> usize {
    match (scaling, native) {
        (PoolScaling::WithMap, Shape::Map { side: native, .. }) => {
            ((kernel * side + native / 2) / native).max(1)
        }
        (PoolScaling::WithMap | PoolScaling::Fixed, _) => kernel,
    }
}

/// Returns the output shapes of all nodes for images of `side` px, in node order.
///
/// # Errors
/// Returns an error if the shapes are inconsistent.
pub fn infer(graph: &Graph, side: usize) -> Result<Vec<Shape>, ShapeError> {
    let mut native: Vec<Shape> = Vec::with_capacity(graph.nodes().len());
    let mut shapes: Vec<Shape> = Vec::with_capacity(graph.nodes().len());
    for node in graph.nodes() {
        let own = Operands::new(graph, node, &native).output(graph.side(), &native)?;
        let at_side = Operands::new(graph, node, &shapes).output(side, &native)?;
        native.push(own);
        shapes.push(at_side);
    }
    Ok(shapes)
}

/// The operands of a node.
struct Operands<'a> {
    graph: &'a Graph,
    node: &'a Node,
    shapes: Vec<Shape>,
}

impl<'a> Operands<'a> {
    /// Selects the operands of a node from the shapes of all earlier nodes.
    fn new(graph: &'a Graph, node: &'a Node, shapes: &[Shape]) -> Self {
        let shapes = node.inputs.iter().map(|id| shapes[id.index()]).collect();
        Self {
            graph,
            node,
            shapes,
        }
    }

    /// Returns the shape of the node's output. `native` has the shapes of all earlier nodes for images of the network's own
    /// size.
    fn output(&self, input_side: usize, native: &[Shape]) -> Result<Shape, ShapeError> {
        match (&self.node.op, &self.shapes[..]) {
            (Op::Input, []) => Ok(Shape::Map {
                channels: 1,
                side: input_side,
            }),
            (Op::Normalize { .. } | Op::BatchNorm { .. }, &[map @ Shape::Map { .. }]) => Ok(map),
            (Op::Relu | Op::Dropout { .. } | Op::StochasticDepth { .. }, &[shape]) => Ok(shape),
            (
                &Op::Conv {
                    filters,
                    kernel,
                    stride,
                    padding,
                    bias: _,
                },
                &[Shape::Map { side, .. }],
            ) => Ok(Shape::Map {
                channels: filters,
                side: self.window(kernel, stride, padding, side)?,
            }),
            (&Op::AvgPool { kernel, scaling }, &[Shape::Map { channels, side }]) => {
                let native = native[self.node.inputs[0].index()];
                let kernel = pool_kernel(kernel, scaling, side, native);
                Ok(Shape::Map {
                    channels,
                    side: self.window(kernel, kernel, Padding::Valid, side)?,
                })
            }
            (Op::Add, &[a, b]) if a == b => Ok(a),
            (Op::Concat, operands) => concat(operands).ok_or_else(|| self.misfit()),
            (Op::Flatten { order: _ }, &[Shape::Map { channels, side }]) => {
                Ok(Shape::Vector(channels * side * side))
            }
            (&Op::Linear { outputs }, [Shape::Vector(_)]) => Ok(Shape::Vector(outputs)),
            (
                Op::Input
                | Op::Normalize { .. }
                | Op::BatchNorm { .. }
                | Op::Relu
                | Op::Dropout { .. }
                | Op::StochasticDepth { .. }
                | Op::Conv { .. }
                | Op::AvgPool { .. }
                | Op::Add
                | Op::Flatten { .. }
                | Op::Linear { .. },
                _,
            ) => Err(self.misfit()),
        }
    }

    /// Returns the side of the map of a window's outputs.
    fn window(
        &self,
        kernel: usize,
        stride: usize,
        padding: Padding,
        side: usize,
    ) -> Result<usize, ShapeError> {
        let output = padding.output(side, kernel, stride);
        output.ok_or_else(|| ShapeError::TooSmall {
            graph: self.graph.name().to_owned(),
            node: self.node.name.clone(),
            kernel,
            side,
        })
    }

    fn misfit(&self) -> ShapeError {
        ShapeError::Operand {
            graph: self.graph.name().to_owned(),
            node: self.node.name.clone(),
            found: format!("{:?}", self.shapes),
        }
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
