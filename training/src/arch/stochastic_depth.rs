//! Stochastic depth: Huang, Sun, Liu, Sedra, Weinberger, "Deep Networks with Stochastic Depth" (2016), section 3.

use super::{
    graph::{Graph, GraphBuilder, Node, NodeId},
    op::Op,
    shape::ShapeError,
};

/// Returns the network with stochastic depth: in training, residual block `l` of `L` (from 1) drops its branch with the
/// probability `last * l / L`, so that the probability of survival falls linearly to `1 - last`.
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
    graph.nodes().iter().filter(|node| is_residual(node)).count()
}

/// Returns whether a node ends a residual block: the sum of a shortcut and, as the second operand, a branch.
fn is_residual(node: &Node) -> bool {
    node.op == Op::Add
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{catalog, parameter};

    #[test]
    fn drop_rate_rises_linearly_to_that_of_last_block() {
        let plain = catalog::build("resnet-20-v1").unwrap();
        let graph = apply(&plain, 0.45).unwrap();
        let mut rates = Vec::new();
        for node in graph.nodes() {
            if let Op::StochasticDepth { rate } = node.op {
                let branch = &graph.nodes()[node.inputs[0].index()];
                assert!(branch.name.ends_with(".bn2"), "{} drops {}", node.name, branch.name);
                rates.push(rate);
            }
        }
        let expected: Vec<f64> = (1..=9).map(|block| 0.45 * (f64::from(block) / 9.0)).collect();
        assert_eq!(rates, expected);
    }

    #[test]
    fn parameters_and_zeroed_branch_ends_stay_the_same() {
        for name in ["resnet-20-v1", "resnet-20-v2"] {
            let plain = catalog::build(name).unwrap();
            let graph = apply(&plain, 0.2).unwrap();
            assert_eq!(parameter::list(&graph).unwrap(), parameter::list(&plain).unwrap());
            let ends = parameter::residual_ends(&graph);
            assert_eq!(ends, parameter::residual_ends(&plain), "{name}");
            assert_eq!(ends.len(), blocks(&plain), "{name}");
        }
    }

    #[test]
    fn network_without_residual_blocks_is_unchanged() {
        let plain = catalog::build("densenet-12-4-c05-b2").unwrap();
        assert_eq!(blocks(&plain), 0);
        assert_eq!(apply(&plain, 0.2).unwrap(), plain);
    }
}
