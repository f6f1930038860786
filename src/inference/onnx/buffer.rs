//! The memory that a session's input is written to.

use half::f16;

use crate::inference::{
    InferenceError, Input,
    signature::{Feeding, Signature},
};

/// Values of a whole batch, in the form that the model takes.
pub(super) enum Buffer {
    Bytes(Vec<u8>),
    /// With the float of each gray level.
    Floats(Vec<f32>, Box<[f32; 256]>),
    /// The same in halves.
    Halves(Vec<f16>, Box<[f16; 256]>),
}

impl Buffer {
    /// Of `elements` values, in the form that the signature tells; floats as halves where the session takes them so.
    pub(super) fn new(signature: &Signature, halved: bool, elements: usize) -> Self {
        let Some(feeding) = signature.feeding else {
            return Self::Bytes(vec![0; elements]);
        };
        let floats = levels(feeding);
        if signature.half || halved {
            return Self::Halves(
                vec![f16::ZERO; elements],
                Box::new(floats.map(f16::from_f32)),
            );
        }
        Self::Floats(vec![0.0; elements], Box::new(floats))
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
            return Err(InferenceError::Run(format!(
                "{length} values in place of {area}"
            )));
        }
        match (self, input) {
            (Self::Bytes(buffer), Input::Face(face)) => {
                buffer[slot].copy_from_slice(face.pixels());
            }
            (Self::Bytes(_), Input::Tensor(_)) => {
                return Err(InferenceError::Run(
                    "floats for a model that takes bytes".to_owned(),
                ));
            }
            (Self::Floats(buffer, floats), Input::Face(face)) => {
                look_up(&mut buffer[slot], face.pixels(), floats);
            }
            (Self::Halves(buffer, halves), Input::Face(face)) => {
                look_up(&mut buffer[slot], face.pixels(), halves);
            }
            (Self::Floats(buffer, _), Input::Tensor(values)) => {
                buffer[slot].copy_from_slice(values);
            }
            (Self::Halves(buffer, _), Input::Tensor(values)) => {
                // What is too large stays finite.
                let half =
                    |value: f32| f16::from_f32(value.clamp(f16::MIN.into(), f16::MAX.into()));
                for (to, &value) in buffer[slot].iter_mut().zip(values) {
                    *to = half(value);
                }
            }
        }
        Ok(())
    }
}

/// The float of each gray level.
fn levels(feeding: Feeding) -> [f32; 256] {
    std::array::from_fn(|gray| {
        let gray = f32::from(u8::try_from(gray).expect("there are 256 gray levels"));
        (gray * feeding.scale - feeding.mean) / feeding.std
    })
}

fn look_up<T: Copy>(values: &mut [T], gray: &[u8], levels: &[T; 256]) {
    for (value, &gray) in values.iter_mut().zip(gray) {
        *value = levels[usize::from(gray)];
    }
}
