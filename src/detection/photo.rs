//! One photo of a request: decoding, detection and the crops of its faces.

use std::time::{Duration, Instant};

use mien_faces::{
    detection::{Detection, DetectionOptions, LongSide, Quality},
    image::Face,
};
use tokio::{task::spawn_blocking, time::timeout_at};

use super::FaceDetector;
use crate::{
    batching::{Priority, RequestOptions},
    drift::FaceFeatures,
    inference::onnx::Photo,
    intake::{
        IntakeError,
        decoder::{
            DecodedPhoto, Decoder, DecoderError, EncodedImage, ImageDecodeError, PhotoPixels,
        },
    },
    metrics::Outcome,
    traces,
};

/// Options of a search.
#[derive(Debug, Clone, Copy)]
pub struct PhotoOptions {
    /// Longer side of the copy that the detector gets.
    pub long_side: LongSide,
    /// Which faces are returned.
    pub detection: DetectionOptions,
    /// Rows and columns of the crops.
    pub side: usize,
}

/// The faces of a photo.
#[derive(Debug)]
pub struct PhotoFaces {
    /// Columns of the photo after its EXIF orientation.
    pub width: usize,
    /// Rows of the photo after its EXIF orientation.
    pub height: usize,
    /// The faces, largest first.
    pub faces: Vec<FoundFace>,
    /// The crop of each face, for a classifier.
    crops: Vec<Face>,
    /// Durations of the steps.
    pub times: StepTimes,
}

/// Durations of the steps of a search.
#[derive(Debug, Clone, Copy, Default)]
pub struct StepTimes {
    /// Decoding and cropping.
    pub preprocess: Duration,
    /// Wait of the photo in the queue of the detector.
    pub queue: Duration,
    /// Inference of the detector.
    pub detection: Duration,
}

/// A face in a photo.
#[derive(Debug)]
pub struct FoundFace {
    /// Box, score and landmarks of the face.
    pub detection: Detection,
    /// Size, blur and brightness.
    pub quality: Quality,
}

impl PhotoFaces {
    /// Measures the faces in the order of the crops. The iterator is empty if the crops were taken.
    pub fn features(&self) -> impl Iterator<Item = FaceFeatures> {
        let faces = self.crops.iter().zip(&self.faces);
        faces.map(|(crop, face)| FaceFeatures::of_face(crop, face.quality.size))
    }

    /// Takes the crops, one per face. A second call returns none.
    pub fn take_crops(&mut self) -> Vec<Face> {
        std::mem::take(&mut self.crops)
    }
}

impl FaceDetector {
    /// Finds the faces in an image file and crops them from the decoded photo. The photo counts in the memory limit of the decoder
    /// until its faces are cropped.
    ///
    /// # Errors
    /// Returns an error if the queue of the detector is full, the deadline passes or the detector fails. The error of the file is
    /// the inner one.
    pub async fn find(
        &self,
        decoder: &Decoder,
        file: EncodedImage,
        options: PhotoOptions,
        deadline: Instant,
    ) -> Result<Result<PhotoFaces, ImageDecodeError>, IntakeError> {
        let start = Instant::now();
        let decoding = self.decode(decoder, file, options.long_side, deadline);
        let DecodedPhoto {
            image,
            size: (width, height),
            copy,
            memory,
        } = match decoding.await? {
            Ok(photo) => photo,
            Err(error) => return Ok(Err(error)),
        };
        let decoded = start.elapsed();
        // Number of pixels of the photo per pixel of the decoded image.
        let scale = width as f32 / image.width() as f32;
        let request = Photo {
            image: copy,
            options: DetectionOptions {
                min_size: options.detection.min_size / scale,
                ..options.detection
            },
        };
        let call = RequestOptions::live(deadline);
        let (detections, queue, detection) = self.detect(request, call).await?;
        let cropping = Instant::now();
        let _step = traces::step("crop");
        let (faces, crops) = if detections.is_empty() {
            (Vec::new(), Vec::new())
        } else {
            let cropping = spawn_blocking(move || {
                let _memory = memory;
                let crop = |detection| crop_face(&image, detection, scale, options.side);
                detections.into_iter().map(crop).unzip()
            });
            cropping.await.map_err(DecoderError::from)?
        };
        Ok(Ok(PhotoFaces {
            width,
            height,
            faces,
            crops,
            times: StepTimes {
                preprocess: decoded + cropping.elapsed(),
                queue,
                detection,
            },
        }))
    }

    /// Decodes an image file. The error of the file is the inner one.
    async fn decode(
        &self,
        decoder: &Decoder,
        file: EncodedImage,
        long_side: LongSide,
        deadline: Instant,
    ) -> Result<Result<DecodedPhoto, ImageDecodeError>, IntakeError> {
        let _step = traces::step("decode");
        let decoding = timeout_at(deadline.into(), decoder.photo(file, long_side));
        let Ok(decoded) = decoding.await else {
            self.count(Outcome::Expired);
            return Err(IntakeError::DeadlineExceeded("the image was decoded"));
        };
        let photo = decoded?;
        if photo.is_err() {
            self.count(Outcome::Invalid);
        }
        Ok(photo)
    }

    fn count(&self, outcome: Outcome) {
        let metrics = &self.metrics.model;
        metrics.count_images(Priority::Live, outcome, 1);
    }
}

/// Crops a face and measures its quality. `scale` is the number of pixels of the photo per pixel of the image, and `side` the number of
/// rows and columns of the crop.
fn crop_face(
    image: &PhotoPixels,
    detection: Detection,
    scale: f32,
    side: usize,
) -> (FoundFace, Face) {
    let face_box = &detection.face_box;
    let crop = image.crop_face(face_box, side);
    let quality = if side == Quality::SIDE {
        Quality::measure(face_box, &crop)
    } else {
        Quality::measure(face_box, &image.crop_face(face_box, Quality::SIDE))
    };
    let face = FoundFace {
        detection: detection.scaled(scale),
        quality: quality.scaled(scale),
    };
    (face, crop)
}
