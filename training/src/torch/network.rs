//! Runs a [`Graph`] on libtorch.

use tch::{Kind, TchError, Tensor};

use super::{masks::Masks, weights::Weights};
use crate::arch::{
    graph::{Graph, Node, NodeId},
    op::{FlattenOrder, Op, PoolScaling},
    parameter::Role,
    shape::{self, Shape, ShapeError},
};

mod ops;

use ops::{batch_norm, channels_last_gray, conv};

/// Effect of a training pass on the running statistics of batch norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistics {
    /// The running statistics are updated with those of the batch.
    Update,
    /// The running statistics stay unchanged.
    Freeze,
}

/// Purpose of a forward pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mode {
    /// Training: batch statistics and random masks.
    Train {
        /// The source of the masks.
        masks: Masks,
        /// Effect on the running statistics.
        statistics: Statistics,
    },
    /// Batch statistics without masks. The running statistics are updated, for recomputing them after training.
    Measure {
        /// Weight of the batch in the running statistics, 0..1.
        share: f64,
    },
    /// Running statistics.
    Eval,
}

/// A graph that is prepared for execution. Every call receives the weights.
#[derive(Debug)]
pub struct Network {
    graph: Graph,
    kind: Kind,
    /// Shapes of all nodes at the network's own input size. Scaled pools need them at other sizes.
    native: Vec<Shape>,
    last_readers: Vec<NodeId>,
    /// For each node whether it may overwrite its operand.
    in_place: Vec<bool>,
}

impl Network {
    /// Returns the network's name in the catalogue.
    pub fn name(&self) -> &str {
        self.graph.name()
    }

    /// Prepares a graph. `kind` is the number format of convolutions and activations.
    ///
    /// # Errors
    /// Returns an error if the shapes of the graph are inconsistent.
    pub fn new(graph: Graph, kind: Kind) -> Result<Self, ShapeError> {
        let native = shape::infer(&graph, graph.side())?;
        let in_place = graph
            .nodes()
            .iter()
            .map(|node| may_overwrite(&graph, node))
            .collect();
        Ok(Self {
            native,
            last_readers: graph.last_readers(),
            in_place,
            graph,
            kind,
        })
    }

    /// Returns the graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Returns logits `[N, 7]`, float32, for images `[N, 1, S, S]`, float32 gray values 0..255.
    ///
    /// # Errors
    /// Returns an error of libtorch, for example when the shape is wrong or memory is exhausted.
    pub fn forward(
        &self,
        weights: &Weights,
        images: &Tensor,
        mode: Mode,
    ) -> Result<Tensor, TchError> {
        let mut values: Vec<Option<Tensor>> = Vec::with_capacity(self.graph.nodes().len());
        for (index, node) in self.graph.nodes().iter().enumerate() {
            let read = node
                .inputs
                .iter()
                .filter_map(|id| values[id.index()].as_ref());
            let mut operands: Vec<&Tensor> = read.collect();
            if operands.is_empty() {
                operands.push(images);
            }
            values.push(Some(self.value(index, node, &operands, weights, mode)?));
            for id in &node.inputs {
                if self.last_readers[id.index()].index() == index {
                    values[id.index()] = None;
                }
            }
        }
        let logits = values
            .pop()
            .flatten()
            .expect("a finished graph ends with its logits");
        logits.f_to_kind(Kind::Float)
    }

    /// Returns the output of a node.
    fn value(
        &self,
        index: usize,
        node: &Node,
        x: &[&Tensor],
        w: &Weights,
        mode: Mode,
    ) -> Result<Tensor, TchError> {
        channels_last_gray(self.run(index, node, x, w, mode)?)
    }

    fn run(
        &self,
        index: usize,
        node: &Node,
        x: &[&Tensor],
        w: &Weights,
        mode: Mode,
    ) -> Result<Tensor, TchError> {
        let at = |role| w.get(&node.name, role);
        match node.op {
            Op::Input => Ok(x[0].shallow_clone()),
            Op::Normalize { mean, std } => {
                let scale = 1.0 / (255.0 * f64::from(std));
                let offset = f64::from(-mean / std);
                x[0].f_mul_scalar(scale)?
                    .f_add_scalar(offset)?
                    .f_to_kind(self.kind)
            }
            Op::Conv {
                kernel,
                stride,
                padding,
                bias,
                filters: _,
            } => {
                let bias = bias.then(|| at(Role::Bias));
                conv(x[0], at(Role::ConvWeight), bias, (kernel, stride, padding))
            }
            Op::BatchNorm { epsilon, momentum } => batch_norm(x[0], at, mode, (epsilon, momentum)),
            Op::Relu if self.in_place[index] => x[0].shallow_clone().f_relu_(),
            Op::Relu => x[0].f_relu(),
            Op::Dropout { rate } => match mode {
                Mode::Train { masks, .. } => masks.dropout(x[0], rate, index),
                Mode::Measure { .. } | Mode::Eval => Ok(x[0].shallow_clone()),
            },
            Op::StochasticDepth { rate } => match mode {
                Mode::Train { masks, .. } => masks.drop_images(x[0], rate, index),
                Mode::Measure { .. } | Mode::Eval => Ok(x[0].shallow_clone()),
            },
            Op::AvgPool { kernel, scaling } => {
                let kernel = self.pool_kernel(node, x[0], kernel, scaling);
                x[0].f_avg_pool2d(kernel, kernel, 0, false, false, None)
            }
            Op::Add => x[0].f_add(x[1]),
            Op::Concat => Tensor::f_cat(x, 1),
            Op::Flatten {
                order: FlattenOrder::HeightWidthChannel,
            } => x[0].f_permute([0, 2, 3, 1])?.f_flatten(1, -1),
            Op::Linear { outputs: _ } => {
                let x = x[0].f_to_kind(Kind::Float)?;
                x.f_linear(at(Role::LinearWeight), Some(at(Role::Bias)))
            }
        }
    }

    fn pool_kernel(&self, node: &Node, x: &Tensor, kernel: usize, scaling: PoolScaling) -> i64 {
        let side = x.size()[2] as usize;
        let native = self.native[node.inputs[0].index()];
        shape::pool_kernel(kernel, scaling, side, native) as i64
    }
}

/// Returns whether a ReLU may overwrite its operand. It must be the only reader, and the backward pass of the operand's
/// producer must not need the operand.
fn may_overwrite(graph: &Graph, node: &Node) -> bool {
    let (Op::Relu, [operand]) = (&node.op, &node.inputs[..]) else {
        return false;
    };
    let readers = graph
        .nodes()
        .iter()
        .filter(|n| n.inputs.contains(operand))
        .count();
    let producer = &graph.nodes()[operand.index()].op;
    readers == 1 && matches!(producer, Op::BatchNorm { .. } | Op::Conv { .. } | Op::Add)
}

#[cfg(test)]
mod tests;
