//! Graphs and weights as ONNX files, and the proof that ONNX Runtime reads them as libtorch does.

pub mod batch_norm_folding;
pub mod error;
pub mod metadata;
mod proto;
pub mod read;
pub mod session;
pub mod views;
pub mod weights;
pub mod writer;
