//! The catalogue: builds networks from their names on the command line.

use super::{graph::Graph, head::Pooling, stage::Stage, stochastic_depth, vgg};

mod error;
mod families;

pub use super::interface::{CLASSES, INPUT_SIDE, NORMALIZE};
pub use error::CatalogError;
use families::{keras_network, wide_resnet};

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
/// Returns [`CatalogError::Unknown`] for a name that does not match a pattern, and [`CatalogError::Rate`] if a rate is not in
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

#[cfg(test)]
mod tests;
