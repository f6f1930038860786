//! Networks as data: one description that both libtorch execution and the ONNX writer read.
//!
//! ```text
//! catalog ("resnet-20-v1") -> family -> Graph of Op -+-> torch::Network   (training, evaluation)
//!                                                    +-> onnx::writer     (export)
//!                                                    +-> shape (sizes, multiply-adds), parameters (names, shapes)
//! ```
//!
//! This module does not depend on tch or protobuf. Readers match [`op::Op`] without a wildcard arm, so that a new
//! operation does not compile until every reader supports it.

pub mod builder;
pub mod catalog;
pub mod densenet;
pub mod graph;
pub mod head;
pub mod interface;
pub mod op;
pub mod parameter;
pub mod resnet;
pub mod resnet_d;
pub mod shape;
pub mod stage;
pub mod stochastic_depth;
pub mod summary;
pub mod vgg;

#[cfg(test)]
mod tests;
