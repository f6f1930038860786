//! The face detector YuNet (Wu, Peng and Yu 2023, "YuNet: A Tiny Millisecond-level Face Detector"): photos in, faces out.

use std::{fs, path::Path};

use mien_faces::{
    detection::{self, Detection, DetectionOptions, DetectorImage, StrideOutputs},
    image::DecodedImage,
};
use mien_onnx::with_dynamic_shape;
use ort::{session::SessionOutputs, value::TensorRef};

use super::{Session, failed};
use crate::inference::{
    InferenceError, Model,
    runtime::{CallKind, Runtime},
};

/// Name of the input, float32 `[N,3,height,width]`, from 0 to 255.
const INPUT: &str = "input";
/// Number of planes of the input.
const CHANNELS: usize = 3;

/// A photo for the detector.
#[derive(Debug, Clone)]
pub struct Photo {
    /// The resized copy of the photo.
    pub image: DetectorImage,
    /// Which faces are returned.
    pub options: DetectionOptions,
}

/// A session of YuNet with its input buffer.
pub struct YuNet {
    session: Session,
    /// Values of the input of one call.
    buffer: Vec<f32>,
}

impl YuNet {
    /// Reads the file of YuNet, and lets it accept photos of any size.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, or is not an ONNX file with one image as input.
    pub fn read(path: &Path) -> Result<Vec<u8>, InferenceError> {
        let model = fs::read(path).map_err(|error| {
            InferenceError::Model(format!("cannot read {}: {error}", path.display()))
        })?;
        with_dynamic_shape(&model).ok_or_else(|| {
            InferenceError::Model(format!(
                "{} is not an ONNX file with one image as input; use the YuNet file that `cargo xtask setup` installs",
                path.display()
            ))
        })
    }

    /// Opens the result of [`Self::read`] for calls that use `threads` cores, and runs it once.
    ///
    /// # Errors
    /// Returns an error if it is not YuNet.
    pub fn open(runtime: &Runtime, model: &[u8], threads: usize) -> Result<Self, InferenceError> {
        let mut detector = Self {
            session: Session::open_bytes(runtime, model, threads)?,
            buffer: Vec::new(),
        };
        detector.timed(CallKind::Trial, &[blank_photo()])?;
        Ok(detector)
    }

    fn timed(
        &mut self,
        kind: CallKind,
        photos: &[Photo],
    ) -> Result<Vec<Result<Vec<Detection>, InferenceError>>, InferenceError> {
        self.session.timer.start(kind);
        let faces = photos
            .chunk_by(|a, b| size(a) == size(b))
            .map(|photos| self.detect(photos));
        let faces: Result<Vec<_>, _> = faces.collect();
        let faces = faces.map(|faces| faces.into_iter().flatten().collect());
        self.session.timer.end(kind, faces)
    }

    /// Runs photos of one size in one call.
    fn detect(
        &mut self,
        photos: &[Photo],
    ) -> Result<Vec<Result<Vec<Detection>, InferenceError>>, InferenceError> {
        let Some((width, height)) = photos.first().map(size) else {
            return Ok(Vec::new());
        };
        let values = CHANNELS * height * width;
        self.buffer.resize(photos.len() * values, 0.0);
        for (photo, planes) in photos.iter().zip(self.buffer.chunks_exact_mut(values)) {
            photo.image.write_planes(planes);
        }
        let shape = [photos.len(), CHANNELS, height, width];
        let input = TensorRef::from_array_view((shape, self.buffer.as_slice())).map_err(failed)?;
        let Session {
            inner: session,
            timer,
            ..
        } = &mut self.session;
        let outputs = session
            .run_with_options(ort::inputs![INPUT => input], timer.options())
            .map_err(failed)?;
        let faces = photos
            .iter()
            .enumerate()
            .map(|(index, photo)| faces(&outputs, index, photos.len(), photo));
        Ok(faces.collect())
    }
}

impl Model for YuNet {
    type Input = Photo;
    type Output = Vec<Detection>;

    fn infer(
        &mut self,
        photos: &[Photo],
    ) -> Result<Vec<Result<Vec<Detection>, InferenceError>>, InferenceError> {
        self.timed(CallKind::Batch, photos)
    }
}

/// Returns columns and rows of the detector's input.
fn size(photo: &Photo) -> (usize, usize) {
    let frame = photo.image.frame();
    (frame.width(), frame.height())
}

/// Returns the faces in photo `index` of a call with `photos` photos.
fn faces(
    outputs: &SessionOutputs<'_>,
    index: usize,
    photos: usize,
    photo: &Photo,
) -> Result<Vec<Detection>, InferenceError> {
    let values = |name: &str| {
        let (_, values) = outputs.get(name)?.try_extract_tensor::<f32>().ok()?;
        let length = values.len() / photos;
        Some(&values[index * length..(index + 1) * length])
    };
    let outputs = StrideOutputs::by_name(values)
        .map_err(|error| InferenceError::Output(error.to_string()))?;
    detection::decode(&outputs, &photo.image.frame(), &photo.options)
        .map_err(|error| InferenceError::Output(error.to_string()))
}

/// Returns a photo of the smallest size.
fn blank_photo() -> Photo {
    let photo = DecodedImage::new(1, 1, vec![0]).expect("the photo has one pixel");
    let options = DetectionOptions::default();
    Photo {
        image: DetectorImage::from_gray(&photo, detection::LongSide::Px320),
        options,
    }
}
