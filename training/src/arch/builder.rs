//! Builds networks node by node.

use super::{
    graph::{Graph, Node, NodeId},
    op::{Op, Padding},
    shape::{self, Shape, ShapeError},
};

/// Builds a [`Graph`] node by node.
#[derive(Debug)]
pub struct GraphBuilder {
    graph: Graph,
}

impl GraphBuilder {
    /// Starts a network for square images of `side` pixels. The first node is the input.
    pub fn new(name: impl Into<String>, side: usize) -> (Self, NodeId) {
        let mut builder = Self {
            graph: Graph {
                name: name.into(),
                side,
                nodes: Vec::new(),
            },
        };
        let input = builder.add("image", Op::Input, &[]);
        (builder, input)
    }

    /// Appends a node.
    pub fn add(&mut self, name: impl Into<String>, op: Op, inputs: &[NodeId]) -> NodeId {
        self.graph.nodes.push(Node {
            name: name.into(),
            op,
            inputs: inputs.to_vec(),
        });
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
            Op::Conv {
                filters,
                kernel,
                stride,
                padding: Padding::Same,
                bias: true,
            },
            &[x],
        )
    }

    /// Appends a batch normalisation with Keras' defaults: epsilon 1e-3, momentum 0.99.
    pub fn batch_norm(&mut self, name: impl Into<String>, x: NodeId) -> NodeId {
        self.add(
            name,
            Op::BatchNorm {
                epsilon: 1e-3,
                momentum: 0.01,
            },
            &[x],
        )
    }

    /// Appends a ReLU.
    pub fn relu(&mut self, name: impl Into<String>, x: NodeId) -> NodeId {
        self.add(name, Op::Relu, &[x])
    }

    /// Appends a convolution with "same" padding, stride 1 and no bias, named `<prefix>.conv`, and a batch normalisation.
    pub fn conv_bn(&mut self, prefix: &str, filters: usize, kernel: usize, x: NodeId) -> NodeId {
        let conv = Op::Conv {
            filters,
            kernel,
            stride: 1,
            padding: Padding::Same,
            bias: false,
        };
        let x = self.add(format!("{prefix}.conv"), conv, &[x]);
        self.batch_norm(format!("{prefix}.bn"), x)
    }

    /// Appends a 3x3 convolution as [`Self::conv_bn`] does, and a ReLU.
    pub fn conv_bn_relu(&mut self, prefix: &str, filters: usize, x: NodeId) -> NodeId {
        let x = self.conv_bn(prefix, filters, 3, x);
        self.relu(format!("{prefix}.relu"), x)
    }

    /// Checks the whole network and returns it.
    ///
    /// # Errors
    /// Returns an error if shapes are inconsistent, or the last node is not a vector.
    pub fn finish(self) -> Result<Graph, ShapeError> {
        let shapes = shape::infer(&self.graph, self.graph.side)?;
        match shapes.last() {
            Some(Shape::Vector(_)) => Ok(self.graph),
            Some(Shape::Map { .. }) | None => Err(ShapeError::NoLogits {
                graph: self.graph.name,
            }),
        }
    }
}
