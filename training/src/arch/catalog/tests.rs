use super::*;
use crate::arch::{op::Op, parameter, shape};

#[test]
fn every_listed_name_builds_and_runs_at_training_sizes() {
    for name in NAMES {
        let graph = build(name).unwrap();
        for side in [24, 36, 48] {
            let shapes = shape::infer(&graph, side).unwrap();
            assert_eq!(
                shapes.last(),
                Some(&shape::Shape::Vector(7)),
                "{name} at {side} px"
            );
        }
    }
}

#[test]
fn invalid_name_is_rejected_with_patterns_and_names() {
    for name in [
        "resnet-21-v1",
        "resnet-2-v1",
        "resnet-20-v3",
        "vgg",
        "resnet--v1",
        "resnet-1-v1",
        "densenet-100-12",
        "densenet-101-12-c05",
        "densenet-100-0-c05",
        "densenet-100-12-c11",
        "densenet-100-12-c05-b5",
        "densenet-100-12-c05-4",
        "densenet-18446744073709551612-12-c05",
        "resnet-60000002-v1",
        "gap",
        "vgg-64",
        "vgg-64x2-gap",
        "vgg-64x0",
        "resnet-d-64",
        "resnet-d-64x2",
        "resnet-d-64-128x2-gap",
        "resnet-d-64-128x2-64",
        "",
    ] {
        let error = build(name).unwrap_err().to_string();
        assert!(
            error.contains("resnet-104-v1") && error.contains("<6n+2>"),
            "{error}"
        );
    }
}

#[test]
fn densenet_with_too_many_blocks_returns_shape_error() {
    assert!(matches!(
        build("densenet-148-12-c05-b72"),
        Err(CatalogError::Shape(_))
    ));
}

#[test]
fn global_head_averages_whole_map_per_channel() {
    for name in ["densenet-100-12-c05", "resnet-104-v1", "resnet-155-v2"] {
        let graph = build(&format!("{name}-gap")).unwrap();
        let shapes = shape::infer(&graph, 48).unwrap();
        let [.., pooled, _, _] = shapes[..] else {
            panic!("a head has three nodes")
        };
        assert!(
            matches!(pooled, shape::Shape::Map { side: 1, .. }),
            "{name}: {pooled:?}"
        );
    }
}

#[test]
fn head_dropout_precedes_last_layer_of_every_family() {
    for name in NAMES {
        let options = Options {
            head_dropout: 0.3,
            ..Options::default()
        };
        let graph = build_with(name, &options).unwrap();
        let [.., before, last] = graph.nodes() else {
            panic!("a network has two nodes")
        };
        assert_eq!(before.op, Op::Dropout { rate: 0.3 }, "{name}");
        assert_eq!(last.op, Op::Linear { outputs: CLASSES }, "{name}");
        let parameters = |graph| parameter::list(graph).unwrap();
        assert_eq!(parameters(&graph), parameters(&build(name).unwrap()));
    }
    for head_dropout in [1.0, -0.1, f64::NAN] {
        let options = Options {
            head_dropout,
            ..Options::default()
        };
        let error = build_with(NAMES[0], &options).unwrap_err();
        assert!(
            matches!(
                error,
                CatalogError::Rate {
                    key: "head_dropout",
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[test]
fn stochastic_depth_needs_residual_blocks() {
    for name in NAMES {
        let options = Options {
            stochastic_depth: 0.2,
            ..Options::default()
        };
        let built = build_with(name, &options);
        if name.starts_with("resnet-") {
            let last = |op: &Op| *op == Op::StochasticDepth { rate: 0.2 };
            assert!(
                built.unwrap().nodes().iter().any(|node| last(&node.op)),
                "{name}"
            );
        } else {
            let error = built.unwrap_err().to_string();
            assert!(
                error.contains("`stochastic_depth`") && error.contains(name),
                "{error}"
            );
        }
    }
    let options = Options {
        stochastic_depth: 1.0,
        ..Options::default()
    };
    assert!(matches!(
        build_with("resnet-8-v1", &options),
        Err(CatalogError::Rate { .. })
    ));
}

#[test]
fn densenet_dropout_follows_convolutions_of_its_blocks() {
    let name = "densenet-100-12-c05";
    let graph = build_with(
        name,
        &Options {
            dropout: 0.2,
            ..Options::default()
        },
    )
    .unwrap();
    let parameters = |graph| parameter::list(graph).unwrap();
    assert_eq!(parameters(&graph), parameters(&build(name).unwrap()));
    let mut dropped = 0;
    for node in graph
        .nodes()
        .iter()
        .filter(|node| node.op == Op::Dropout { rate: 0.2 })
    {
        let conv = &graph.nodes()[node.inputs[0].index()];
        assert!(matches!(conv.op, Op::Conv { .. }) && conv.name != "stem.conv");
        dropped += 1;
    }
    assert_eq!(dropped, 4 * 12 * 2 + 3);
    for (name, dropout) in [(name, 1.0), (name, f64::NAN), ("resnet-20-v1", 0.2)] {
        let error = build_with(
            name,
            &Options {
                dropout,
                ..Options::default()
            },
        )
        .unwrap_err();
        assert!(matches!(error, CatalogError::Rate { .. }), "{error}");
    }
}
