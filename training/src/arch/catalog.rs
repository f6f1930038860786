//! The networks that can be named on the command line.

use super::{graph::Graph, op::Op, parameter, resnet, shape, shape::ShapeError};

/// Side of the faces that every network of the catalogue takes, in pixels.
pub const INPUT_SIDE: usize = 48;

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
        "no architecture is named `{name}`; `mien-train list` shows {known}, and resnet-<6n+2>-v1 for any n"
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
pub const NAMES: [&str; 4] = ["resnet-8-v1", "resnet-20-v1", "resnet-56-v1", "resnet-104-v1"];

/// The network of a name: one of [`NAMES`], or `resnet-<depth>-v1` with depth 6n + 2.
///
/// # Errors
/// [`CatalogError::Unknown`] for any other name.
pub fn build(name: &str) -> Result<Graph, CatalogError> {
    let unknown = || CatalogError::Unknown { name: name.to_owned(), known: NAMES.join(", ") };
    let depth = name.strip_prefix("resnet-").and_then(|rest| rest.strip_suffix("-v1"));
    let depth: usize = depth.and_then(|d| d.parse().ok()).ok_or_else(unknown)?;
    match depth.checked_sub(2) {
        Some(layers) if layers > 0 && layers % 6 == 0 => Ok(resnet::v1(name, layers / 6)?),
        _ => Err(unknown()),
    }
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

    #[test]
    fn resnet_104_has_the_figures_of_its_keras_build() {
        let summary = summary(&build("resnet-104-v1").unwrap()).unwrap();
        assert_eq!(summary.parameters, 1_647_975);
        assert_eq!(summary.trainable, 1_640_327);
        assert_eq!(summary.statistics, 7_648);
        assert_eq!(summary.multiply_adds, 537_075_648);
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
        for name in
            ["resnet-21-v1", "resnet-2-v1", "resnet-20-v3", "vgg", "resnet--v1", "resnet-1-v1"]
        {
            let error = build(name).unwrap_err().to_string();
            assert!(error.contains("resnet-104-v1"), "{error}");
        }
    }
}
