//! The networks that can be named on the command line.

use mien_faces::emotion::Emotion;

use super::{densenet::DenseNet, graph::Graph, head::Pooling, op::Op, resnet, shape::ShapeError};

/// Side of the faces that every network of the catalogue takes, in pixels.
pub const INPUT_SIDE: usize = 48;

/// Length of the logits.
pub const CLASSES: usize = Emotion::COUNT;

/// Mean and standard deviation of the FER2013 training faces, on `[0, 1]`.
pub const NORMALIZE: Op = Op::Normalize { mean: 0.5077, std: 0.2550 };

/// Why a name gives no network.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CatalogError {
    /// No such name.
    #[error(
        "no architecture is named `{name}`: names are resnet-<6n+2>-v1, resnet-<9n+2>-v2 and \
         densenet-<depth>-<growth>-c<tenths>[-b<blocks>] with depth 2n * blocks + 4 (4 blocks where none is named), \
         each also with -gap; `mien-train list` shows {known}"
    )]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A rate of dropout that this network cannot take.
    #[error(
        "`{name}` takes no dropout of {rate}: only DenseNets have it, and the rate is in [0, 1); see the recipe's `dropout`"
    )]
    Dropout {
        /// The network.
        name: String,
        /// What was asked for.
        rate: f64,
    },
    /// A description that does not fit together.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

/// The names that `mien-train list` shows.
pub const NAMES: [&str; 13] = [
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
];

/// The deepest network that a name may ask for.
const MAX_DEPTH: usize = 2_000;

/// What a recipe may change in a network without changing its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Options {
    /// Rate of a DenseNet's dropout, in `[0, 1)`; 0 for none.
    pub dropout: f64,
}

/// The network of a name, without dropout: one of [`NAMES`], or of another size by the same pattern.
///
/// - `resnet-<depth>-v1`, depth 6n + 2;
/// - `resnet-<depth>-v2`, depth 9n + 2;
/// - `densenet-<depth>-<growth>-c<compression in tenths>`, or with `-b<blocks>` behind it (4 where it is left out),
///   depth 2 n blocks + 4;
/// - `-gap` behind any of them: the head takes the mean of the whole map ([`Pooling::Global`]).
///
/// # Errors
/// [`CatalogError::Unknown`] for any other name.
pub fn build(name: &str) -> Result<Graph, CatalogError> {
    build_with(name, &Options::default())
}

/// The network of a name as in [`build`], with a recipe's options.
///
/// # Errors
/// [`CatalogError::Unknown`] for a name of no pattern, [`CatalogError::Dropout`] where the network has no place for
/// dropout or the rate is none.
pub fn build_with(name: &str, options: &Options) -> Result<Graph, CatalogError> {
    let unknown = || CatalogError::Unknown { name: name.to_owned(), known: NAMES.join(", ") };
    let mut parts: Vec<&str> = name.split('-').collect();
    let pooling = parts.pop_if(|last| *last == "gap").map_or(Pooling::Windows, |_| Pooling::Global);
    let densenet = parts.first() == Some(&"densenet");
    if !(0.0..1.0).contains(&options.dropout) || (options.dropout > 0.0 && !densenet) {
        return Err(CatalogError::Dropout { name: name.to_owned(), rate: options.dropout });
    }
    let graph = match *parts {
        ["resnet", depth, "v1"] => {
            resnet::v1(name, repeats(depth, 2, 6).ok_or_else(unknown)?, pooling)
        }
        ["resnet", depth, "v2"] => {
            resnet::v2(name, repeats(depth, 2, 9).ok_or_else(unknown)?, pooling)
        }
        ["densenet", depth, growth, compression, ref rest @ ..] => {
            let net = dense(depth, growth, compression, rest).ok_or_else(unknown)?;
            DenseNet { dropout: options.dropout, pooling, ..net }.build(name)
        }
        _ => return Err(unknown()),
    };
    Ok(graph?)
}

/// The DenseNet of a name's parts.
fn dense(depth: &str, growth: &str, compression: &str, rest: &[&str]) -> Option<DenseNet> {
    let blocks = match rest {
        [] => 4,
        [blocks] => number(blocks.strip_prefix('b')?)?,
        _ => return None,
    };
    Some(DenseNet {
        bottlenecks: repeats(depth, 4, 2 * blocks)?,
        growth: number(growth)?,
        blocks,
        tenths: compression.strip_prefix('c').and_then(number).filter(|&tenths| tenths <= 10)?,
        dropout: 0.0,
        pooling: Pooling::Windows,
    })
}

/// A number of a name: from 1 to [`MAX_DEPTH`].
fn number(text: &str) -> Option<usize> {
    text.parse().ok().filter(|n| (1..=MAX_DEPTH).contains(n))
}

/// How often a part of `layers` layers stands in a network of this depth beside `rest` single ones.
fn repeats(depth: &str, rest: usize, layers: usize) -> Option<usize> {
    let body = number(depth)?.checked_sub(rest)?;
    (body > 0 && body % layers == 0).then_some(body / layers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{shape, summary::summary};

    #[test]
    fn every_listed_name_builds_and_runs_at_training_sizes() {
        for name in NAMES {
            let graph = build(name).unwrap();
            for side in [24, 36, 48] {
                let shapes = shape::infer(&graph, side).unwrap();
                assert_eq!(shapes.last(), Some(&shape::Shape::Vector(7)), "{name} at {side} px");
            }
        }
    }

    #[test]
    fn other_names_are_refused_with_what_there_is() {
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
            "",
        ] {
            let error = build(name).unwrap_err().to_string();
            assert!(error.contains("resnet-104-v1") && error.contains("<6n+2>"), "{error}");
        }
    }

    #[test]
    fn a_densenet_may_have_other_numbers_of_blocks() {
        let figures = |name| summary(&build(name).unwrap()).unwrap();
        assert_eq!(
            figures("densenet-100-12-c05").parameters,
            figures("densenet-100-12-c05-b4").parameters
        );
        // Three blocks of 16: read off a Keras build.
        assert_eq!(figures("densenet-100-12-c05-b3").parameters, 813_583);
        // Too many blocks leave the head no map: an error, not a panic.
        assert!(matches!(build("densenet-148-12-c05-b72"), Err(CatalogError::Shape(_))));
    }

    #[test]
    fn a_global_head_reads_one_mean_a_channel() {
        for name in ["densenet-100-12-c05", "resnet-104-v1", "resnet-155-v2"] {
            let graph = build(&format!("{name}-gap")).unwrap();
            let shapes = shape::infer(&graph, 48).unwrap();
            let [.., pooled, _, _] = shapes[..] else { panic!("a head has three nodes") };
            assert!(matches!(pooled, shape::Shape::Map { side: 1, .. }), "{name}: {pooled:?}");
        }
    }

    #[test]
    fn dropout_stands_behind_each_convolution_of_bottlenecks_and_transitions_and_has_no_parameters()
    {
        let name = "densenet-100-12-c05";
        let graph = build_with(name, &Options { dropout: 0.2 }).unwrap();
        assert_eq!(summary(&graph).unwrap(), summary(&build(name).unwrap()).unwrap());
        let mut dropped = 0;
        for node in graph.nodes().iter().filter(|node| node.op == Op::Dropout { rate: 0.2 }) {
            let conv = &graph.nodes()[node.inputs[0].index()];
            assert!(matches!(conv.op, Op::Conv { .. }) && conv.name != "stem.conv");
            dropped += 1;
        }
        assert_eq!(dropped, 4 * 12 * 2 + 3);
        for (name, dropout) in [(name, 1.0), (name, f64::NAN), ("resnet-20-v1", 0.2)] {
            let error = build_with(name, &Options { dropout }).unwrap_err();
            assert!(matches!(error, CatalogError::Dropout { .. }), "{error}");
        }
    }
}
