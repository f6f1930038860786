//! The part of the ONNX format that mien reads and writes, as protobuf messages.
//!
//! Source: `onnx/onnx.proto3` of the ONNX specification; names and field numbers are its own.

mod build;
mod dynamic_shape;
mod proto;
mod reduction_axes;

pub use dynamic_shape::with_dynamic_shape;
pub use proto::*;
pub use reduction_axes::with_reduction_axes_as_input;
