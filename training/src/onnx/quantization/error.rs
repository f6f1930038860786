//! Errors of quantisation.

use crate::onnx::session::SessionError;

/// A model file cannot be quantised.
#[derive(Debug, thiserror::Error)]
pub enum QuantizationError {
    /// Not an ONNX file.
    #[error("the model is not an ONNX file: {0}")]
    Decode(#[from] prost::DecodeError),
    /// The file contains quantised tensors already.
    #[error("the model is already quantised; name its float file")]
    AlreadyQuantized,
    /// No convolution has constant weights.
    #[error(
        "the model does not contain a convolution with constant weights, so it cannot be quantised"
    )]
    NoConvolution,
    /// The values of a constant cannot be read.
    #[error(
        "the constant `{0}` is not stored in the file as float32 or float16 values; export the model again with `mien-train export`"
    )]
    Constant(String),
    /// A tensor has the value NaN or infinity on a calibration face.
    #[error(
        "the tensor `{0}` is NaN or infinite for a training face; the float model is damaged, export it again"
    )]
    NotFinite(String),
    /// ONNX Runtime failed.
    #[error(transparent)]
    Session(#[from] SessionError),
}
