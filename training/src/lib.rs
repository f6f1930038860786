//! Trains mien's face classifiers and writes them as ONNX files.
//!
//! ```text
//! mien_faces::dataset -> data (decoded once) -> augment -> batches ─┐
//! arch::catalog -> Graph ──> torch::Network ───────────────────> train::Trainer -> runs/NAME/checkpoint.safetensors
//!                       └──> onnx::writer <── averaged weights ──────────────────────────┘
//! keras (a .h5 file) -> import ──┤
//!                                └-> models/NAME/VERSION/model.onnx, checked against ONNX Runtime
//!                                      -> quantize -> the INT8 file of another version
//! ```

pub mod arch;
pub mod augment;
pub mod batches;
pub mod bench;
pub mod cli;
pub mod data;
pub mod ensemble;
pub mod evaluate;
pub mod export;
pub mod import;
pub mod keras;
pub mod machine;
pub mod memory;
pub mod onnx;
pub mod plan;
pub mod plot;
pub mod prepare;
pub mod quantize;
pub mod recipe;
pub mod report;
pub mod torch;
pub mod train;
pub mod tta;
