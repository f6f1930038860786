//! Runs a [`Graph`] on libtorch.

use tch::{Kind, TchError, Tensor};

use super::{masks::Masks, weights::Weights};
use crate::arch::{
    graph::{Graph, Node, NodeId},
    op::{FlattenOrder, Op, Padding, PoolScaling},
    parameter::Role,
    shape::{self, Shape, ShapeError},
};

/// What a pass in training does to the running statistics of batch norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistics {
    /// The running statistics take in the batch's.
    Follow,
    /// The running statistics stay as they are.
    Keep,
}

/// Purpose of a forward pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mode {
    /// Training: batch statistics and random masks.
    Train {
        /// The source of the masks.
        masks: Masks,
        /// What happens to the running statistics.
        statistics: Statistics,
    },
    /// Batch statistics; the running ones take in a share of them, 0..1. Nothing is masked.
    Measure {
        /// How much the batch's weigh.
        share: f64,
    },
    /// Running statistics.
    Eval,
}

/// A graph made ready to run; the weights come with every call.
#[derive(Debug)]
pub struct Network {
    graph: Graph,
    kind: Kind,
    /// Sides of the maps at the network's own input side, for pools that grow and shrink with the map.
    native: Vec<Shape>,
    last_readers: Vec<NodeId>,
    /// Nodes that may overwrite their operand.
    in_place: Vec<bool>,
}

impl Network {
    /// The network's name in the catalogue.
    pub fn name(&self) -> &str {
        self.graph.name()
    }

    /// Prepares a graph. `kind` is the number format of convolutions and activations.
    ///
    /// # Errors
    /// Where the graph does not fit together.
    pub fn new(graph: Graph, kind: Kind) -> Result<Self, ShapeError> {
        let native = shape::infer(&graph, graph.side())?;
        let in_place = graph.nodes().iter().map(|node| may_overwrite(&graph, node)).collect();
        Ok(Self { native, last_readers: graph.last_readers(), in_place, graph, kind })
    }

    /// The graph that it runs.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Logits `[N, 7]`, float32, of pictures `[N, 1, S, S]`, float32 gray values 0..255.
    ///
    /// # Errors
    /// What libtorch refuses: pictures of another shape, memory.
    pub fn forward(
        &self,
        weights: &Weights,
        pictures: &Tensor,
        mode: Mode,
    ) -> Result<Tensor, TchError> {
        let mut values: Vec<Option<Tensor>> = Vec::with_capacity(self.graph.nodes().len());
        for (index, node) in self.graph.nodes().iter().enumerate() {
            let read = node.inputs.iter().filter_map(|id| values[id.index()].as_ref());
            let mut operands: Vec<&Tensor> = read.collect();
            if operands.is_empty() {
                operands.push(pictures);
            }
            values.push(Some(self.value(index, node, &operands, weights, mode)?));
            for id in &node.inputs {
                if self.last_readers[id.index()].index() == index {
                    values[id.index()] = None;
                }
            }
        }
        let logits = values.pop().flatten().expect("a finished graph ends with its logits");
        logits.f_to_kind(Kind::Float)
    }

    /// What a node makes of its operands.
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
                x[0].f_mul_scalar(scale)?.f_add_scalar(offset)?.f_to_kind(self.kind)
            }
            Op::Conv { kernel, stride, padding, bias, filters: _ } => {
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
            Op::Flatten { order: FlattenOrder::HeightWidthChannel } => {
                x[0].f_permute([0, 2, 3, 1])?.f_flatten(1, -1)
            }
            Op::Linear { outputs: _ } => {
                let x = x[0].f_to_kind(Kind::Float)?;
                x.f_linear(at(Role::LinearWeight), Some(at(Role::Bias)))
            }
        }
    }

    fn pool_kernel(&self, node: &Node, x: &Tensor, kernel: usize, scaling: PoolScaling) -> i64 {
        let side = x.size()[2] as usize;
        let kernel = match (scaling, self.native[node.inputs[0].index()]) {
            (PoolScaling::WithMap, Shape::Map { side: own, .. }) => {
                shape::scaled_kernel(kernel, side, own)
            }
            (PoolScaling::WithMap | PoolScaling::Fixed, _) => kernel,
        };
        kernel as i64
    }
}

/// A one-channel map gets the strides of a channels-last one, others stay as they are. Its memory is the same either
/// way, but libtorch takes the layout of every later map from its strides: without them the residual stream of a whole
/// stack, or every concatenation of a DenseNet, would be channels-first, and each convolution would copy it. Every
/// operation on such a map may lose them again.
fn channels_last_gray(x: Tensor) -> Result<Tensor, TchError> {
    let [n, 1, height, width] = x.size()[..] else { return Ok(x) };
    x.f_contiguous()?.f_view([n, height, width, 1])?.f_permute([0, 3, 1, 2])
}

/// Normalises by the statistics that the mode asks for; `at` gives the node's parameters.
fn batch_norm<'a>(
    x: &Tensor,
    at: impl Fn(Role) -> &'a Tensor,
    mode: Mode,
    (epsilon, momentum): (f64, f64),
) -> Result<Tensor, TchError> {
    let kept = matches!(mode, Mode::Train { statistics: Statistics::Keep, .. });
    let running = |role| (!kept).then(|| at(role));
    x.f_batch_norm(
        Some(at(Role::Gamma)),
        Some(at(Role::Beta)),
        running(Role::Mean),
        running(Role::Variance),
        mode != Mode::Eval,
        if let Mode::Measure { share } = mode { share } else { momentum },
        epsilon,
        true,
    )
}

fn conv(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    (kernel, stride, padding): (usize, usize, Padding),
) -> Result<Tensor, TchError> {
    let kind = x.kind();
    let weight = weight.f_to_kind(kind)?;
    let bias = bias.map(|b| b.f_to_kind(kind)).transpose()?;
    let (before, after) = padding.amounts(x.size()[2] as usize, kernel, stride);
    let (before, after, stride) = (before as i64, after as i64, stride as i64);
    if before == after {
        return x.f_conv2d(&weight, bias.as_ref(), stride, before, 1, 1);
    }
    // libtorch pads both sides alike: the bottom and right rest is added first.
    let padded = x.f_constant_pad_nd([before, after, before, after])?;
    padded.f_conv2d(&weight, bias.as_ref(), stride, 0, 1, 1)
}

/// Whether a ReLU may overwrite its operand: it is the only reader, and the operand's own backward pass does
/// not need its output.
fn may_overwrite(graph: &Graph, node: &Node) -> bool {
    let (Op::Relu, [operand]) = (&node.op, &node.inputs[..]) else { return false };
    let readers = graph.nodes().iter().filter(|n| n.inputs.contains(operand)).count();
    let producer = &graph.nodes()[operand.index()].op;
    readers == 1 && matches!(producer, Op::BatchNorm { .. } | Op::Conv { .. } | Op::Add)
}

#[cfg(test)]
mod tests;
