//! Errors of building networks.

use crate::arch::shape::ShapeError;

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
        /// The listed names, joined by commas.
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
