//! The memory that a session's input is written to.

use crate::inference::{InferenceError, Input, signature::Feeding};

/// Values of a whole batch, in the form that the model takes.
pub(super) enum Buffer {
    Bytes(Vec<u8>),
    /// With the float of each gray level.
    Floats(Vec<f32>, Box<[f32; 256]>),
}

impl Buffer {
    /// Of `elements` values, in the form that the feeding tells.
    pub(super) fn new(feeding: Option<Feeding>, elements: usize) -> Self {
        match feeding {
            None => Self::Bytes(vec![0; elements]),
            Some(feeding) => {
                let float = |gray: usize| {
                    let gray = f32::from(u8::try_from(gray).expect("there are 256 gray levels"));
                    (gray * feeding.scale - feeding.mean) / feeding.std
                };
                Self::Floats(vec![0.0; elements], Box::new(std::array::from_fn(float)))
            }
        }
    }

    /// Writes an input into the slot of this index, in the form that the model takes.
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
            return Err(InferenceError::Run(format!("{length} values in place of {area}")));
        }
        match (self, input) {
            (Self::Bytes(buffer), Input::Face(face)) => {
                buffer[slot].copy_from_slice(face.pixels());
            }
            (Self::Bytes(_), Input::Tensor(_)) => {
                return Err(InferenceError::Run("floats for a model that takes bytes".to_owned()));
            }
            (Self::Floats(buffer, floats), Input::Face(face)) => {
                for (value, &gray) in buffer[slot].iter_mut().zip(face.pixels()) {
                    *value = floats[usize::from(gray)];
                }
            }
            (Self::Floats(buffer, _), Input::Tensor(values)) => {
                buffer[slot].copy_from_slice(values);
            }
        }
        Ok(())
    }
}
