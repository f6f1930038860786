//! The catalogue: builds networks from their names on the command line.

use super::{
    densenet::DenseNet,
    graph::Graph,
    head::{Head, Pooling},
    resnet, resnet_d,
    shape::ShapeError,
    stage::{self, Stage},
    stochastic_depth, vgg,
};

pub use super::interface::{CLASSES, INPUT_SIDE, NORMALIZE};

/// A network cannot be built.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CatalogError {
    /// The name does not match a pattern.
    #[error(
        "unknown architecture `{name}`: names are resnet-<6n+2>-v1[-gap], resnet-<9n+2>-v2[-gap], \
         densenet-<depth>-<growth>-c<tenths>[-b<blocks>][-gap] with depth 2n * blocks + 4 (4 blocks by default), \
         vgg-<width>x<layers>-... and resnet-d-<stem width>-...-<width>x<blocks>-...; `mien-train list` shows {known}"
    )]
    Unknown {
        /// The requested name.
        name: String,
        /// The names in [`NAMES`], joined by commas.
        known: String,
    },
    /// A rate of dropout or stochastic depth is out of range, or the network does not support it.
    #[error("the recipe's `{key}` is {rate}, but {requirement}, and `{name}` is trained")]
    Rate {
        /// The network.
        name: String,
        /// The recipe's key.
        key: &'static str,
        /// The value of the recipe.
        rate: f64,
        /// The range of the key and the families that support it.
        requirement: &'static str,
    },
    /// The network's shapes are inconsistent, for example because it has too many blocks.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

/// The names that `mien-train list` shows.
pub const NAMES: [&str; 18] = [
    "densenet-100-12-c03",
    "densenet-100-12-c05",
    "densenet-100-12-c07",
    "densenet-100-12-c03-gap",
    "densenet-100-12-c05-gap",
    "densenet-100-12-c07-gap",
    "resnet-8-v1",
    "resnet-20-v1",
    "resnet-56-v1",
    "resnet-104-v1",
    "resnet-104-v1-gap",
    "resnet-155-v2",
    "resnet-155-v2-gap",
    "vgg-64x2-128x2-256x3-384x3",
    "vgg-48x1-96x3-192x3-384x3",
    "vgg-64x2-128x2-256x2-512x2",
    "resnet-d-32-64-128x2-256x3-384x3",
    "resnet-d-16-32x1-64x2-128x2",
];

/// Maximum depth of a named network.
const MAX_DEPTH: usize = 2_000;

/// Settings of a recipe that change a network without changing its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Options {
    /// Rate of a DenseNet's dropout, in `[0, 1)`; 0 for none.
    pub dropout: f64,
    /// Rate of the dropout before the last layer, in `[0, 1)`; 0 for none.
    pub head_dropout: f64,
    /// Probability with which the last residual block drops its branch, in `[0, 1)`; 0 for none.
    pub stochastic_depth: f64,
}

/// Builds the network of a name without dropout: one of [`NAMES`], or of another size by the same pattern.
///
/// - `resnet-<depth>-v1`, depth 6n + 2;
/// - `resnet-<depth>-v2`, depth 9n + 2;
/// - `densenet-<depth>-<growth>-c<compression in tenths>`, optionally followed by `-b<blocks>` (default 4),
///   depth 2 n blocks + 4;
/// - `-gap` after any of these: the head averages the whole map ([`Pooling::Global`]);
/// - `vgg-<width>x<layers>-...`: one part per stage, with mean pooling by 2 between stages;
/// - `resnet-d-<width>-...-<width>x<blocks>-...`: one width per convolution of the stem at full resolution, then one
///   part per stage of basic blocks; every stage begins with mean pooling by 2.
///
/// # Errors
/// Returns [`CatalogError::Unknown`] for any other name.
pub fn build(name: &str) -> Result<Graph, CatalogError> {
    build_with(name, &Options::default())
}

/// Builds the network of a name as [`build`] does, with a recipe's options.
///
/// # Errors
/// Returns [`CatalogError::Unknown`] for a name that follows no pattern, and [`CatalogError::Rate`] if a rate is not in
/// `[0, 1)` or the network does not support it.
pub fn build_with(name: &str, options: &Options) -> Result<Graph, CatalogError> {
    check_rates(name, options)?;
    let parts: Vec<&str> = name.split('-').collect();
    let graph = match &parts[..] {
        ["vgg", stages @ ..] => {
            Stage::parse_all(stages).map(|stages| vgg::build(name, &stages, options.head_dropout))
        }
        ["resnet", "d", layers @ ..] => wide_resnet(name, layers, options),
        [keras @ .., "gap"] => keras_network(name, keras, Pooling::Global, options),
        keras => keras_network(name, keras, Pooling::Windows, options),
    };
    let unknown = || CatalogError::Unknown {
        name: name.to_owned(),
        known: NAMES.join(", "),
    };
    let graph = graph.ok_or_else(unknown)??;
    let rate = options.stochastic_depth;
    if rate == 0.0 {
        return Ok(graph);
    }
    if stochastic_depth::blocks(&graph) == 0 {
        let requirement = "only networks with residual blocks support it";
        let (name, key) = (name.to_owned(), "stochastic_depth");
        return Err(CatalogError::Rate {
            name,
            key,
            rate,
            requirement,
        });
    }
    Ok(stochastic_depth::apply(&graph, rate)?)
}

/// Checks the rates of dropout and stochastic depth.
fn check_rates(name: &str, options: &Options) -> Result<(), CatalogError> {
    let valid = |rate| (0.0..1.0).contains(&rate);
    let error = |key, rate, requirement| {
        Err(CatalogError::Rate {
            name: name.to_owned(),
            key,
            rate,
            requirement,
        })
    };
    let densenet = name.starts_with("densenet-");
    if !valid(options.dropout) || (options.dropout > 0.0 && !densenet) {
        return error(
            "dropout",
            options.dropout,
            "it must be in [0, 1) and only DenseNets support it",
        );
    }
    for (key, rate) in [
        ("head_dropout", options.head_dropout),
        ("stochastic_depth", options.stochastic_depth),
    ] {
        if !valid(rate) {
            return error(key, rate, "it must be in [0, 1)");
        }
    }
    Ok(())
}

/// Builds one of the Keras examples' networks from the parts of its name; `None` if the parts follow no pattern.
fn keras_network(
    name: &str,
    parts: &[&str],
    pooling: Pooling,
    options: &Options,
) -> Option<Result<Graph, ShapeError>> {
    let head = Head {
        pooling,
        dropout: options.head_dropout,
    };
    match *parts {
        ["resnet", depth, "v1"] => Some(resnet::v1(name, repeats(depth, 2, 6)?, head)),
        ["resnet", depth, "v2"] => Some(resnet::v2(name, repeats(depth, 2, 9)?, head)),
        ["densenet", depth, growth, compression, ref rest @ ..] => {
            let blocks = match rest {
                [] => 4,
                [blocks] => number(blocks.strip_prefix('b')?)?,
                _ => return None,
            };
            let tenths = compression.strip_prefix('c').and_then(number)?;
            let net = DenseNet {
                bottlenecks: repeats(depth, 4, 2 * blocks)?,
                growth: number(growth)?,
                blocks,
                tenths: (tenths <= 10).then_some(tenths)?,
                dropout: options.dropout,
                head,
            };
            Some(net.build(name))
        }
        _ => None,
    }
}

/// Builds a wide ResNet from the parts of its name; `None` without a stem or without a stage.
fn wide_resnet(
    name: &str,
    layers: &[&str],
    options: &Options,
) -> Option<Result<Graph, ShapeError>> {
    let (stem, stages) = layers.split_at(layers.iter().position(|layer| layer.contains('x'))?);
    let stem: Vec<usize> = stem
        .iter()
        .map(|width| stage::parse_size(width))
        .collect::<Option<_>>()?;
    let stages = Stage::parse_all(stages)?;
    (!stem.is_empty()).then(|| resnet_d::build(name, &stem, &stages, options.head_dropout))
}

/// Parses a number of a name, from 1 to [`MAX_DEPTH`].
fn number(text: &str) -> Option<usize> {
    text.parse().ok().filter(|n| (1..=MAX_DEPTH).contains(n))
}

/// Returns how often a part of `layers` layers occurs in a network of this depth that has `rest` other layers.
fn repeats(depth: &str, rest: usize, layers: usize) -> Option<usize> {
    let body = number(depth)?.checked_sub(rest)?;
    (body > 0 && body % layers == 0).then_some(body / layers)
}

#[cfg(test)]
mod tests {
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
}
