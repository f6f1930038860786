//! Writes graphs and weights as ONNX files, reads the metadata of such files, and runs them with ONNX Runtime.

pub mod batch_norm_folding;
pub mod error;
pub mod metadata;
pub mod read;
pub mod session;
pub mod views;
pub mod weights;
pub mod writer;
pub mod yunet;
