//! Writes graphs and weights as ONNX files, reads the metadata of such files, and runs them with ONNX Runtime. Quantises them to INT8.

pub mod batch_norm_folding;
pub mod error;
pub mod metadata;
pub mod quantization;
pub mod read;
pub mod session;
pub mod views;
pub mod weights;
pub mod writer;
pub mod yunet;
