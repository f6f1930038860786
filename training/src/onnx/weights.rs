//! The element type in which a model file stores its weights.

use half::f16;
use serde::{Deserialize, Serialize};

use super::error::WriteError;
use crate::arch::parameter::{Parameter, Role};

/// Arrays with fewer values stay float32. They are in the first, last and narrow layers. They are less than a tenth of a
/// file but cause up to half of the difference (`docs/experiments.md`, "Float16 weights").
const MIN_ROUNDED_VALUES: usize = 4096;

/// The element type of stored kernels and dense weights. ONNX Runtime computes in float32 with either.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WeightFormat {
    /// Unchanged values.
    #[default]
    #[value(name = "fp32")]
    #[serde(alias = "fp32")]
    Float32,
    /// Large arrays rounded to float16, in half the bytes.
    #[value(name = "fp16")]
    #[serde(alias = "fp16")]
    Float16,
}

impl WeightFormat {
    /// Returns the name in metadata and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Float16 => "float16",
        }
    }

    /// Returns whether a parameter is stored as float16. Biases and batch-norm vectors are not, because a variance can
    /// exceed the range of float16, and rounding these few values can more than double the difference.
    pub(super) fn rounds(self, parameter: &Parameter) -> bool {
        let is_kernel = matches!(parameter.role, Role::ConvWeight | Role::LinearWeight);
        self == Self::Float16 && is_kernel && parameter.len() >= MIN_ROUNDED_VALUES
    }
}

/// Rounds values to the nearest float16. A value below 6.1e-5 becomes subnormal. Its error is at most 3e-8, which
/// is also the error of a value just above 6.1e-5. Small values therefore need no special case.
///
/// # Errors
/// Returns [`WriteError::Float16`] with the first value that is not finite in float16.
pub(super) fn rounded(name: &str, values: &[f32]) -> Result<Vec<f16>, WriteError> {
    let round = |&value: &f32| {
        let half = f16::from_f32(value);
        half.is_finite()
            .then_some(half)
            .ok_or_else(|| WriteError::Float16 {
                name: name.to_owned(),
                value,
            })
    };
    values.iter().map(round).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_keeps_subnormals_and_rejects_overflow() {
        let values = [0.1_f32, -65504.0, 3e-5, 1e-9];
        let halves = rounded("w", &values).unwrap();
        for (value, half) in values.iter().zip(&halves) {
            let error = (f64::from(*value) - f64::from(half.to_f32())).abs();
            let allowed = (f64::from(value.abs()) * 2f64.powi(-11)).max(2f64.powi(-25));
            assert!(error <= allowed, "{value}: {error}");
        }
        for value in [65520.0, f32::NEG_INFINITY, f32::NAN] {
            let error = rounded("stem.conv.weight", &[1.0, value])
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("stem.conv.weight") && error.contains("fp32"),
                "{error}"
            );
        }
    }
}
