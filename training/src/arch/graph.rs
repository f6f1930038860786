//! Network graphs: nodes in execution order.

use super::op::Op;

/// Index of a node in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(super) usize);

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
    pub(super) name: String,
    pub(super) side: usize,
    pub(super) nodes: Vec<Node>,
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
