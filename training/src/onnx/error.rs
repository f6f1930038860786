//! Errors of writing model files.

use crate::arch::shape::ShapeError;

/// A model cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The network's shapes are inconsistent.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// A parameter has no values or the wrong number of values.
    #[error("parameter `{name}` needs {expected} values but has {found}")]
    Values {
        /// The parameter.
        name: String,
        /// Expected number of values.
        expected: usize,
        /// Actual number of values.
        found: usize,
    },
    /// A weight is not finite in float16.
    #[error(
        "parameter `{name}` has the value {value:e}, which is outside the range of float16 (65504); export with --weights fp32"
    )]
    Float16 {
        /// The parameter.
        name: String,
        /// The first value that is out of range.
        value: f32,
    },
}
