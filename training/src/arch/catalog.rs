//! The networks that can be named on the command line.

use mien_faces::emotion::Emotion;

use super::{
    densenet::DenseNet, graph::Graph, op::Op, parameter, resnet, shape, shape::ShapeError,
};

/// Side of the faces that every network of the catalogue takes, in pixels.
pub const INPUT_SIDE: usize = 48;

/// Length of the logits.
pub const CLASSES: usize = Emotion::COUNT;

/// Mean and standard deviation of the FER2013 training faces, on `[0, 1]`.
pub const NORMALIZE: Op = Op::Normalize { mean: 0.5077, std: 0.2550 };

/// A network with its figures.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// The name in the catalogue.
    pub name: String,
    /// All values, trainable and statistics.
    pub parameters: usize,
    /// Values that the optimiser changes.
    pub trainable: usize,
    /// Running means and variances.
    pub statistics: usize,
    /// Multiply-adds of convolutions and dense layers for one face.
    pub multiply_adds: u64,
}

/// Why a name gives no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// No such name.
    #[error(
        "no architecture is named `{name}`; `mien-train list` shows {known}; other depths go by the same pattern"
    )]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A description that does not fit together.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

/// The names that `mien-train list` shows.
pub const NAMES: [&str; 8] = [
    "densenet-100-12-c03",
    "densenet-100-12-c05",
    "densenet-100-12-c07",
    "resnet-8-v1",
    "resnet-20-v1",
    "resnet-56-v1",
    "resnet-104-v1",
    "resnet-155-v2",
];

/// The network of a name: one of [`NAMES`], or of another size by the same pattern: `resnet-<6n+2>-v1`,
/// `resnet-<9n+2>-v2`, `densenet-<depth>-<growth>-c<compression in tenths>` of four blocks, depth 8n + 4.
///
/// # Errors
/// [`CatalogError::Unknown`] for any other name.
pub fn build(name: &str) -> Result<Graph, CatalogError> {
    let unknown = || CatalogError::Unknown { name: name.to_owned(), known: NAMES.join(", ") };
    match *name.split('-').collect::<Vec<_>>() {
        ["resnet", depth, "v1"] => Ok(resnet::v1(name, repeats(depth, 2, 6).ok_or_else(unknown)?)?),
        ["resnet", depth, "v2"] => Ok(resnet::v2(name, repeats(depth, 2, 9).ok_or_else(unknown)?)?),
        ["densenet", depth, growth, compression] => {
            let tenths = compression.strip_prefix('c').and_then(number).filter(|&c| c <= 10);
            let net = DenseNet {
                bottlenecks: repeats(depth, 4, 8).ok_or_else(unknown)?,
                growth: number(growth).ok_or_else(unknown)?,
                blocks: 4,
                tenths: tenths.ok_or_else(unknown)?,
            };
            Ok(net.build(name)?)
        }
        _ => Err(unknown()),
    }
}

fn number(text: &str) -> Option<usize> {
    text.parse().ok().filter(|&n| n > 0)
}

/// How often a part of `layers` layers stands in a network of this depth beside `rest` single ones.
fn repeats(depth: &str, rest: usize, layers: usize) -> Option<usize> {
    let body = number(depth)?.checked_sub(rest)?;
    (body > 0 && body % layers == 0).then_some(body / layers)
}

/// The figures of a network.
///
/// # Errors
/// Where operands do not fit.
pub fn summary(graph: &Graph) -> Result<Summary, ShapeError> {
    let parameters = parameter::list(graph)?;
    let count = |trainable: bool| {
        parameters
            .iter()
            .filter(|p| p.role.is_trainable() == trainable)
            .map(parameter::Parameter::len)
            .sum()
    };
    let (trainable, statistics): (usize, usize) = (count(true), count(false));
    Ok(Summary {
        name: graph.name().to_owned(),
        parameters: trainable + statistics,
        trainable,
        statistics,
        multiply_adds: shape::multiply_adds(graph)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Total, trainable, statistics, multiply-adds: read off real Keras builds.
    const KERAS: [(&str, usize, usize, usize, u64); 5] = [
        ("densenet-100-12-c03", 582_025, 565_317, 16_708, 390_701_076),
        ("densenet-100-12-c05", 723_891, 703_187, 20_704, 432_833_943),
        ("densenet-100-12-c07", 918_121, 892_415, 25_706, 482_626_092),
        ("resnet-104-v1", 1_647_975, 1_640_327, 7_648, 537_075_648),
        ("resnet-155-v2", 4_711_047, 4_681_639, 29_408, 1_218_924_288),
    ];

    #[test]
    fn the_five_networks_have_the_figures_of_their_keras_builds() {
        for (name, parameters, trainable, statistics, multiply_adds) in KERAS {
            let expected =
                Summary { name: name.to_owned(), parameters, trainable, statistics, multiply_adds };
            assert_eq!(summary(&build(name).unwrap()).unwrap(), expected);
        }
    }

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
        ] {
            let error = build(name).unwrap_err().to_string();
            assert!(error.contains("resnet-104-v1"), "{error}");
        }
    }
}
