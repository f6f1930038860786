//! The face detector YuNet.

use mien_faces::{
    detection::{
        Detection, DetectionOptions, DetectorImage, LongSide, MissingOutput, OutputError,
        StrideOutputs, decode,
    },
    image::ColorImage,
};
use mien_onnx::with_dynamic_shape;
use ort::{session::Session, value::TensorRef};

use super::session::{Runtime, SessionError};

/// Why faces cannot be detected.
#[derive(Debug, thiserror::Error)]
pub enum DetectorError {
    /// The file is not YuNet.
    #[error(
        "the detector is not an ONNX file with one image as input; `cargo xtask setup` installs YuNet"
    )]
    NotYuNet,
    /// The file does not have the outputs of YuNet.
    #[error(transparent)]
    Missing(#[from] MissingOutput),
    /// An output has another length.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// ONNX Runtime failed.
    #[error(transparent)]
    Session(#[from] SessionError),
}

impl From<ort::Error> for DetectorError {
    fn from(error: ort::Error) -> Self {
        Self::Session(SessionError::Run(error))
    }
}

/// The detector, open in ONNX Runtime on one thread.
#[derive(Debug)]
pub struct YuNet(Session);

impl YuNet {
    /// Opens the bytes of the file.
    ///
    /// # Errors
    /// Returns an error if they are not YuNet.
    pub fn open(runtime: &Runtime, bytes: &[u8]) -> Result<Self, DetectorError> {
        let model = with_dynamic_shape(bytes).ok_or(DetectorError::NotYuNet)?;
        Ok(Self(runtime.open_on_one_thread(&model)?))
    }

    /// Finds the faces in a photo, largest first. The longer side of the copy that the detector gets is 640 pixels.
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime fails, or the file has other outputs.
    pub fn find(
        &mut self,
        photo: &ColorImage,
        options: &DetectionOptions,
    ) -> Result<Vec<Detection>, DetectorError> {
        let copy = DetectorImage::new(photo, LongSide::Px640);
        let frame = copy.frame();
        let mut values = vec![0.0; 3 * frame.height() * frame.width()];
        copy.write_planes(&mut values);
        let shape = [1, 3, frame.height(), frame.width()];
        let input = TensorRef::from_array_view((shape, &values[..]))?;
        let outputs = self.0.run(ort::inputs!["input" => input])?;
        let array = |name: &str| {
            let (_, values) = outputs.get(name)?.try_extract_tensor::<f32>().ok()?;
            Some(values)
        };
        Ok(decode(&StrideOutputs::by_name(array)?, &frame, options)?)
    }
}
