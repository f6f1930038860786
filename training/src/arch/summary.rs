//! Numbers of parameters and multiply-adds of a network.

use super::{
    graph::Graph,
    parameter,
    shape::{self, ShapeError},
};

/// Size of a network.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// The name in the catalogue.
    pub name: String,
    /// Number of all values: trainable parameters and statistics.
    pub parameters: usize,
    /// Number of values that the optimiser updates.
    pub trainable: usize,
    /// Number of running means and variances.
    pub statistics: usize,
    /// Multiply-adds of convolutions and dense layers for one face.
    pub multiply_adds: u64,
}

/// Returns the size of a network.
///
/// # Errors
/// When the shapes are inconsistent.
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
    use crate::arch::catalog::build;

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
}
