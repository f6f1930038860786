//! Network graphs: nodes in execution order.

use super::{
    op::{Op, Padding},
    shape::{Shape, ShapeError},
};

/// Index of a node in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(usize);

impl NodeId {
    /// Returns the index in [`Graph::nodes`].
    pub fn index(self) -> usize {
        self.0
    }
}

/// One operation with its name and its operands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Unique in the graph. Parameter names start with it.
    pub name: String,
    /// The operation.
    pub op: Op,
    /// The operands, which are always earlier nodes.
    pub inputs: Vec<NodeId>,
}

/// A checked network. Nodes are in execution order. The output of the last node are the logits, `[N, classes]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    name: String,
    side: usize,
    nodes: Vec<Node>,
}

impl Graph {
    /// Returns the name in the catalogue.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the height and width of the input for which the network is defined, px.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Returns the nodes, operands before their readers.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Returns the node whose output are the logits.
    pub fn output(&self) -> NodeId {
        NodeId(self.nodes.len() - 1)
    }

    /// Returns the node whose output a reader of `id` gets in inference. Operations that act only in training are skipped.
    pub fn inference_source(&self, id: NodeId) -> &Node {
        let node = &self.nodes[id.0];
        match node.inputs[..] {
            [operand] if node.op.acts_in_training_only() => self.inference_source(operand),
            _ => node,
        }
    }

    /// Returns the network with another input normalisation. Mean and standard deviation are on `[0, 1]`.
    #[must_use]
    pub fn with_normalisation(mut self, mean: f32, std: f32) -> Self {
        for node in &mut self.nodes {
            if matches!(node.op, Op::Normalize { .. }) {
                node.op = Op::Normalize { mean, std };
            }
        }
        self
    }

    /// Returns for each node the last node that reads its output, or the node itself. The output can be dropped after it.
    pub fn last_readers(&self) -> Vec<NodeId> {
        let mut last: Vec<NodeId> = (0..self.nodes.len()).map(NodeId).collect();
        for (reader, node) in self.nodes.iter().enumerate() {
            for input in &node.inputs {
                last[input.0] = NodeId(reader);
            }
        }
        last
    }
}

/// Builds a [`Graph`] node by node.
#[derive(Debug)]
pub struct GraphBuilder {
    graph: Graph,
}

impl GraphBuilder {
    /// Starts a network for square pictures of `side` pixels; the first node is the input.
    pub fn new(name: impl Into<String>, side: usize) -> (Self, NodeId) {
        let mut builder = Self { graph: Graph { name: name.into(), side, nodes: Vec::new() } };
        let input = builder.add("image", Op::Input, &[]);
        (builder, input)
    }

    /// Appends a node.
    pub fn add(&mut self, name: impl Into<String>, op: Op, inputs: &[NodeId]) -> NodeId {
        self.graph.nodes.push(Node { name: name.into(), op, inputs: inputs.to_vec() });
        NodeId(self.graph.nodes.len() - 1)
    }

    /// Appends a convolution with "same" padding and a bias, as Keras' `Conv2D(padding="same")`.
    pub fn conv(
        &mut self,
        name: impl Into<String>,
        filters: usize,
        kernel: usize,
        stride: usize,
        x: NodeId,
    ) -> NodeId {
        self.add(
            name,
            Op::Conv { filters, kernel, stride, padding: Padding::Same, bias: true },
            &[x],
        )
    }

    /// Appends a batch normalisation with Keras' defaults: epsilon 1e-3, momentum 0.99.
    pub fn batch_norm(&mut self, name: impl Into<String>, x: NodeId) -> NodeId {
        self.add(name, Op::BatchNorm { epsilon: 1e-3, momentum: 0.01 }, &[x])
    }

    /// Appends a ReLU.
    pub fn relu(&mut self, name: impl Into<String>, x: NodeId) -> NodeId {
        self.add(name, Op::Relu, &[x])
    }

    /// Appends a convolution with "same" padding, stride 1 and no bias, named `<prefix>.conv`, and a batch normalisation.
    pub fn conv_bn(&mut self, prefix: &str, filters: usize, kernel: usize, x: NodeId) -> NodeId {
        let conv = Op::Conv { filters, kernel, stride: 1, padding: Padding::Same, bias: false };
        let x = self.add(format!("{prefix}.conv"), conv, &[x]);
        self.batch_norm(format!("{prefix}.bn"), x)
    }

    /// Appends a 3x3 convolution as [`Self::conv_bn`] does, and a ReLU.
    pub fn conv_bn_relu(&mut self, prefix: &str, filters: usize, x: NodeId) -> NodeId {
        let x = self.conv_bn(prefix, filters, 3, x);
        self.relu(format!("{prefix}.relu"), x)
    }

    /// Checks the whole network and gives it out.
    ///
    /// # Errors
    /// Where shapes do not fit, or the last node is not a vector.
    pub fn finish(self) -> Result<Graph, ShapeError> {
        let shapes = super::shape::infer(&self.graph, self.graph.side)?;
        match shapes.last() {
            Some(Shape::Vector(_)) => Ok(self.graph),
            Some(Shape::Map { .. }) | None => Err(ShapeError::NoLogits { graph: self.graph.name }),
        }
    }
}
