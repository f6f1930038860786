//! Quantises float model files to INT8.
//!
//! ```text
//! float file -> FloatModel (constants folded, batch norms as convolutions) -> selection (tensors to quantise)
//!   -> calibration (ranges of these tensors on faces) -> rewrite (QuantizeLinear, DequantizeLinear) -> INT8 file
//! ```
//!
//! The file has the QDQ format of ONNX Runtime (documentation, "Quantize ONNX models"): each quantised tensor passes
//! through `QuantizeLinear` and `DequantizeLinear`. ONNX Runtime fuses these nodes with the operators between them.

mod batch_norm;
pub mod calibration;
mod constants;
mod error;
mod float_model;
mod histogram;
mod range;
mod rewrite;
mod selection;
mod weights;

pub use error::QuantizationError;
pub use float_model::FloatModel;
pub use range::Range;
