//! Stochastic depth: Huang, Sun, Liu, Sedra, Weinberger, "Deep Networks with Stochastic Depth" (2016), section 3.

use super::{
    builder::GraphBuilder,
    graph::{Graph, Node, NodeId},
    op::Op,
    shape::ShapeError,
};

/// Returns the network with stochastic depth. In training, residual block `l` of `L` (from 1) drops its branch with the
/// probability `last * l / L`. The probability of survival thus falls linearly to `1 - last`.
///
/// `last` is in `[0, 1)`. A network without residual blocks is returned unchanged.
///
/// # Errors
/// Returns an error if the shapes of the given network are inconsistent, as [`GraphBuilder::finish`] does.
pub fn apply(graph: &Graph, last: f64) -> Result<Graph, ShapeError> {
    let blocks = blocks(graph);
    let (mut builder, image) = GraphBuilder::new(graph.name(), graph.side());
    let mut new: Vec<NodeId> = vec![image];
    let mut block = 0u32;
    for node in graph.nodes().iter().skip(1) {
        let mut inputs: Vec<NodeId> = node.inputs.iter().map(|id| new[id.index()]).collect();
        if let (true, [_, branch]) = (is_residual(node), &mut inputs[..]) {
            block += 1;
            let rate = last * (f64::from(block) / blocks as f64);
            let op = Op::StochasticDepth { rate };
            *branch = builder.add(format!("{}.stochastic_depth", node.name), op, &[*branch]);
        }
        new.push(builder.add(node.name.clone(), node.op.clone(), &inputs));
    }
    builder.finish()
}

/// Returns the number of residual blocks of a network.
pub fn blocks(graph: &Graph) -> usize {
    graph
        .nodes()
        .iter()
        .filter(|node| is_residual(node))
        .count()
}

/// Returns whether a node ends a residual block: the sum of a shortcut and, as the second operand, a branch.
fn is_residual(node: &Node) -> bool {
    node.op == Op::Add
}
