//! Errors of writing model files.

use crate::arch::shape::ShapeError;

/// A model cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The network does not fit together.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// A parameter without values, or with a wrong number of them.
    #[error("parameter `{name}` needs {expected} values and has {found}")]
    Values {
        /// The parameter.
        name: String,
        /// How many the network wants.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A weight that is not finite in float16.
    #[error(
        "parameter `{name}` has the value {value:e}, and float16 ends at 65504; export it with --weights fp32"
    )]
    Float16 {
        /// The parameter.
        name: String,
        /// Its first value out of range.
        value: f32,
    },
}
