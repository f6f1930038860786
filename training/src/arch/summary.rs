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
/// Returns an error if the shapes are inconsistent.
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
