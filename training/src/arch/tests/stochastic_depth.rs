//! Stochastic depth in networks of the catalogue.

use crate::arch::{
    catalog,
    op::Op,
    parameter,
    stochastic_depth::{apply, blocks},
};

#[test]
fn drop_rate_rises_linearly_to_that_of_last_block() {
    let plain = catalog::build("resnet-20-v1").unwrap();
    let graph = apply(&plain, 0.45).unwrap();
    let mut rates = Vec::new();
    for node in graph.nodes() {
        if let Op::StochasticDepth { rate } = node.op {
            let branch = &graph.nodes()[node.inputs[0].index()];
            assert!(
                branch.name.ends_with(".bn2"),
                "{} drops {}",
                node.name,
                branch.name
            );
            rates.push(rate);
        }
    }
    let expected: Vec<f64> = (1..=9)
        .map(|block| 0.45 * (f64::from(block) / 9.0))
        .collect();
    assert_eq!(rates, expected);
}

#[test]
fn parameters_and_zeroed_branch_ends_stay_the_same() {
    for name in ["resnet-20-v1", "resnet-20-v2"] {
        let plain = catalog::build(name).unwrap();
        let graph = apply(&plain, 0.2).unwrap();
        assert_eq!(
            parameter::list(&graph).unwrap(),
            parameter::list(&plain).unwrap()
        );
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
