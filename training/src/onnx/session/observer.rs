//! Reads intermediate tensors of a model.

use mien_faces::image::Face;
use ort::{session::Session, value::TensorRef};

use super::{Runtime, SessionError, image};

/// A model file whose float outputs are read by name, open in ONNX Runtime.
#[derive(Debug)]
pub struct Observer {
    session: Session,
}

impl Observer {
    /// Opens the bytes of a `.onnx` file with the input `image` on the CPU.
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime rejects the model.
    pub fn open(runtime: &Runtime, bytes: &[u8]) -> Result<Self, SessionError> {
        Ok(Self {
            session: Session::builder(&runtime.0)?.commit_from_memory(bytes)?,
        })
    }

    /// Runs faces as one batch. Calls `visit` with the index and the values of each named output.
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime rejects the faces, or an output is not float32.
    ///
    /// # Panics
    /// Panics if the model does not have a named output.
    pub fn observe(
        &mut self,
        faces: &[Face],
        names: &[&str],
        mut visit: impl FnMut(usize, &[f32]),
    ) -> Result<(), SessionError> {
        let (shape, pixels) = image(faces);
        let image = TensorRef::from_array_view((shape, &pixels[..]))?;
        let outputs = self.session.run(ort::inputs!["image" => image])?;
        for (index, name) in names.iter().enumerate() {
            visit(index, outputs[*name].try_extract_tensor::<f32>()?.1);
        }
        Ok(())
    }
}
