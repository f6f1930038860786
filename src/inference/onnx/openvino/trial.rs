//! One call with an input of zeros, to find out whether the engine can run a model.

use half::f16;
use ort::{
    session::SessionInputValue,
    value::{Tensor, TensorElementType, ValueType},
};

use crate::inference::{
    InferenceError,
    onnx::{Session, failed},
    runtime::CallKind,
};

impl Session {
    /// Runs the model on one image of zeros.
    ///
    /// # Errors
    /// Returns an error if the call fails, or if the model does not have one input of a supported type.
    pub(super) fn run_zeros(&mut self) -> Result<(), InferenceError> {
        let (name, input) = match self.inner.inputs() {
            [input] => (input.name().to_owned(), zeros(input.dtype())?),
            inputs => {
                let reason = format!("it has {} inputs instead of one", inputs.len());
                return Err(InferenceError::Model(reason));
            }
        };
        self.timer.start(CallKind::Trial);
        let result = self
            .inner
            .run_with_options(ort::inputs![name => input], self.timer.options())
            .map(drop)
            .map_err(failed);
        self.timer.end(CallKind::Trial, result)
    }
}

/// Returns zeros of a type. Dynamic dimensions are 1.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is open")]
fn zeros(input: &ValueType) -> Result<SessionInputValue<'static>, InferenceError> {
    let ValueType::Tensor { ty, shape, .. } = input else {
        return Err(InferenceError::Model(
            "its input is not a tensor".to_owned(),
        ));
    };
    let shape: Vec<usize> = shape
        .iter()
        .map(|&side| usize::try_from(side).unwrap_or(1).max(1))
        .collect();
    let values = shape.iter().product();
    let tensor = match ty {
        TensorElementType::Uint8 => Tensor::from_array((shape, vec![0_u8; values])).map(Into::into),
        TensorElementType::Float16 => {
            Tensor::from_array((shape, vec![f16::ZERO; values])).map(Into::into)
        }
        TensorElementType::Float32 => {
            Tensor::from_array((shape, vec![0.0_f32; values])).map(Into::into)
        }
        other => {
            let reason = format!("its input has the type {other}");
            return Err(InferenceError::Model(reason));
        }
    };
    tensor.map_err(failed)
}
