//! Trains mien's face classifiers and writes them as ONNX files.
pub mod arch;
pub mod torch;
