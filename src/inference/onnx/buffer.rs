//! The input buffer of a session.

use half::f16;
use ort::{session::SessionInputValue, value::TensorRef};

use crate::inference::{
    InferenceError, Input,
    signature::{InputScaling, Signature},
};

/// Values of a batch, in the element type of the input.
pub(super) enum Buffer {
    Bytes(Vec<u8>),
    /// Values, and the lookup table from gray levels to values.
    Floats(Vec<f32>, Box<[f32; 256]>),
    /// Values, and the lookup table from gray levels to values.
    Halves(Vec<f16>, Box<[f16; 256]>),
}

impl Buffer {
    /// Allocates `elements` values of the signature's element type, or of float16 if the session takes `fp16_input`.
    pub(super) fn new(signature: &Signature, fp16_input: bool, elements: usize) -> Self {
        let Some(scaling) = signature.scaling else {
            return Self::Bytes(vec![0; elements]);
        };
        let table = lookup_table(scaling);
        if signature.is_fp16 || fp16_input {
            return Self::Halves(
                vec![f16::ZERO; elements],
                Box::new(table.map(f16::from_f32)),
            );
        }
        Self::Floats(vec![0.0; elements], Box::new(table))
    }

    /// Returns the first `values` values as a tensor of this shape.
    pub(super) fn tensor(
        &self,
        shape: Vec<usize>,
        values: usize,
    ) -> ort::Result<SessionInputValue<'_>> {
        Ok(match self {
            Self::Bytes(buffer) => TensorRef::from_array_view((shape, &buffer[..values]))?.into(),
            Self::Floats(buffer, _) => {
                TensorRef::from_array_view((shape, &buffer[..values]))?.into()
            }
            Self::Halves(buffer, _) => {
                TensorRef::from_array_view((shape, &buffer[..values]))?.into()
            }
        })
    }

    /// Writes an input of `area` values into the slot with this index.
    pub(super) fn write(
        &mut self,
        index: usize,
        area: usize,
        input: &Input,
    ) -> Result<(), InferenceError> {
        let slot = index * area..(index + 1) * area;
        let length = match input {
            Input::Face(face) => face.pixels().len(),
            Input::Tensor(values) => values.len(),
        };
        if length != area {
            return Err(InferenceError::Run(format!(
                "an input has {length} values instead of {area}"
            )));
        }
        match (self, input) {
            (Self::Bytes(buffer), Input::Face(face)) => {
                buffer[slot].copy_from_slice(face.pixels());
            }
            (Self::Bytes(_), Input::Tensor(_)) => {
                return Err(InferenceError::Run(
                    "an input has float values, but the model takes uint8".to_owned(),
                ));
            }
            (Self::Floats(buffer, table), Input::Face(face)) => {
                apply_lut(&mut buffer[slot], face.pixels(), table);
            }
            (Self::Halves(buffer, table), Input::Face(face)) => {
                apply_lut(&mut buffer[slot], face.pixels(), table);
            }
            (Self::Floats(buffer, _), Input::Tensor(values)) => {
                buffer[slot].copy_from_slice(values);
            }
            (Self::Halves(buffer, _), Input::Tensor(values)) => {
                for (to, &value) in buffer[slot].iter_mut().zip(values) {
                    *to = to_fp16(value);
                }
            }
        }
        Ok(())
    }
}

/// Rounds to float16. Values that are out of range become the largest finite value.
fn to_fp16(value: f32) -> f16 {
    f16::from_f32(value.clamp(f16::MIN.into(), f16::MAX.into()))
}

/// Returns the scaled value of each gray level.
fn lookup_table(scaling: InputScaling) -> [f32; 256] {
    std::array::from_fn(|gray| {
        let gray = f32::from(u8::try_from(gray).expect("there are 256 gray levels"));
        (gray * scaling.scale - scaling.mean) / scaling.std
    })
}

fn apply_lut<T: Copy>(values: &mut [T], gray: &[u8], table: &[T; 256]) {
    for (value, &gray) in values.iter_mut().zip(gray) {
        *value = table[usize::from(gray)];
    }
}
