use super::*;
use crate::arch::catalog::{self, Options};

fn values(graph: &Graph) -> Values {
    let parameters = parameter::list(graph).unwrap();
    parameters
        .into_iter()
        .map(|p| (p.name.clone(), vec![0.5; p.len()]))
        .collect()
}

/// Returns the number of batch normalisations.
fn norms(graph: &Graph) -> usize {
    graph
        .nodes()
        .iter()
        .filter(|node| matches!(node.op, Op::BatchNorm { .. }))
        .count()
}

#[test]
fn batch_norm_that_alone_reads_convolution_is_folded() {
    // ResNet v1: all. ResNet v2: all except those that read sums (one per block except the first, and the last).
    // DenseNet: the second of each bottleneck.
    for (name, before, after) in [
        ("resnet-8-v1", 7, 0),
        ("resnet-11-v2", 10, 3),
        ("densenet-20-4-c05-b2", 18, 10),
    ] {
        let graph = catalog::build(name).unwrap();
        let (fused, values) = fold_batch_norms(&graph, &values(&graph)).unwrap();
        assert_eq!((norms(&graph), norms(&fused)), (before, after), "{name}");
        let left = parameter::list(&fused).unwrap();
        assert_eq!(left.len(), values.len(), "{name}: unused values");
    }
}

#[test]
fn training_only_operations_are_removed() {
    let dropout = Options {
        dropout: 0.2,
        ..Options::default()
    };
    let depth = Options {
        stochastic_depth: 0.2,
        ..Options::default()
    };
    for (name, options) in [
        ("densenet-20-4-c05-b2", dropout),
        ("resnet-8-v1", depth),
        ("resnet-11-v2", depth),
        ("resnet-d-8-8x1-16x2", depth),
    ] {
        let plain = catalog::build(name).unwrap();
        let training = catalog::build_with(name, &options).unwrap();
        assert_ne!(training, plain, "{name}");
        let values = values(&plain);
        assert_eq!(
            fold_batch_norms(&training, &values).unwrap(),
            fold_batch_norms(&plain, &values).unwrap()
        );
    }
}

#[test]
fn folding_scales_kernel_and_moves_bias() {
    let graph = catalog::build("resnet-8-v1").unwrap();
    let mut values = values(&graph);
    values.insert("stem.bn.mean".to_owned(), vec![2.0; 16]);
    values.insert("stem.bn.variance".to_owned(), vec![3.999; 16]);
    let (_, fused) = fold_batch_norms(&graph, &values).unwrap();
    // 0.5 * 0.5 / sqrt(3.999 + 0.001); (0.5 - 2) * 0.25 + 0.5
    assert!(
        fused["stem.conv.weight"]
            .iter()
            .all(|weight| (weight - 0.125).abs() < 1e-7)
    );
    assert!(
        fused["stem.conv.bias"]
            .iter()
            .all(|bias| (bias - 0.125).abs() < 1e-7)
    );
    values.remove("stem.bn.mean");
    assert!(fold_batch_norms(&graph, &values).is_err());
}
