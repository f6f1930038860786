//! A common description of operations for Keras layers and the catalogue's operations.

use std::fmt;

use crate::arch::op::{Op, Padding};

/// Kind of an operation, without names and without settings that only affect training.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Input,
    Conv {
        filters: usize,
        kernel: usize,
        stride: usize,
        same: bool,
        bias: bool,
    },
    /// Epsilon in units of 1e-9.
    BatchNorm {
        epsilon: u64,
    },
    Relu,
    AvgPool {
        kernel: usize,
    },
    Add,
    Concat,
    Flatten,
    Dense {
        outputs: usize,
    },
    Softmax,
    /// A Keras layer that the catalogue does not support, with a description.
    Other(String),
}

impl Kind {
    /// Returns the kind of an operation; `None` for dropout, stochastic depth and input normalisation. The normalisation is
    /// handled separately.
    pub(super) fn of(op: &Op) -> Option<Self> {
        Some(match *op {
            Op::Input => Self::Input,
            Op::Normalize { .. } | Op::Dropout { .. } | Op::StochasticDepth { .. } => return None,
            Op::Conv {
                filters,
                kernel,
                stride,
                padding,
                bias,
            } => Self::conv(filters, kernel, stride, padding == Padding::Same, bias),
            Op::BatchNorm {
                epsilon,
                momentum: _,
            } => Self::batch_norm(epsilon),
            Op::Relu => Self::Relu,
            Op::AvgPool { kernel, scaling: _ } => Self::AvgPool { kernel },
            Op::Add => Self::Add,
            Op::Concat => Self::Concat,
            Op::Flatten { order: _ } => Self::Flatten,
            Op::Linear { outputs } => Self::Dense { outputs },
        })
    }

    /// Returns a convolution. Padding is irrelevant for 1x1 windows.
    pub(super) fn conv(
        filters: usize,
        kernel: usize,
        stride: usize,
        same: bool,
        bias: bool,
    ) -> Self {
        Self::Conv {
            filters,
            kernel,
            stride,
            same: same || kernel == 1,
            bias,
        }
    }

    pub(super) fn batch_norm(epsilon: f64) -> Self {
        Self::BatchNorm {
            epsilon: (epsilon * 1e9).round() as u64,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input => write!(f, "the input"),
            Self::Conv {
                filters,
                kernel,
                stride,
                same,
                bias,
            } => write!(
                f,
                "a convolution of {filters} filters {kernel}x{kernel}, stride {stride}, padding {}, {} bias",
                if *same { "same" } else { "valid" },
                if *bias { "with" } else { "without" },
            ),
            Self::BatchNorm { epsilon } => {
                write!(
                    f,
                    "a batch normalisation of epsilon {}",
                    *epsilon as f64 / 1e9
                )
            }
            Self::Relu => write!(f, "a ReLU"),
            Self::AvgPool { kernel } => write!(f, "an average pool of {kernel}x{kernel}"),
            Self::Add => write!(f, "a sum"),
            Self::Concat => write!(f, "a concatenation"),
            Self::Flatten => write!(f, "a flattening"),
            Self::Dense { outputs } => write!(f, "a dense layer of {outputs}"),
            Self::Softmax => write!(f, "a softmax"),
            Self::Other(what) => write!(f, "{what}"),
        }
    }
}
