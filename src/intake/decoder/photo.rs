//! Photos: the copy for the face detector, and the crop of a face.

use mien_faces::{
    detection::{DetectorImage, LongSide},
    image::{BoundingBox, BoxError, ColorImage, DecodedImage, Face, ImageFile},
};
use tokio::sync::OwnedSemaphorePermit;

use super::{Decoder, DecoderError, EncodedImage, ImageDecodeError};

/// The pixels of a photo. JPEG images of more than 16 million pixels are reduced.
pub enum PhotoPixels {
    /// In colour.
    Color(ColorImage),
    /// In gray, because the colours would take too much memory.
    Gray(DecodedImage),
}

impl PhotoPixels {
    /// Returns the number of columns.
    pub fn width(&self) -> usize {
        match self {
            Self::Color(photo) => photo.width(),
            Self::Gray(photo) => photo.width(),
        }
    }

    /// Crops a face as [`DecodedImage::crop_face`] does.
    pub fn crop_face(&self, face_box: &BoundingBox, side: usize) -> Face {
        match self {
            Self::Color(photo) => photo.crop_face(face_box, side),
            Self::Gray(photo) => photo.crop_face(face_box, side),
        }
    }
}

/// A decoded photo.
pub struct DecodedPhoto {
    /// The pixels.
    pub image: PhotoPixels,
    /// Columns and rows of the upright photo before it was reduced.
    pub size: (usize, usize),
    /// The copy for the face detector.
    pub copy: DetectorImage,
    /// The memory of the photo.
    pub memory: OwnedSemaphorePermit,
}

/// Why a face cannot be cropped from a photo.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CropError {
    /// The photo cannot be decoded.
    #[error(transparent)]
    Image(#[from] ImageDecodeError),
    /// The photo does not have this box.
    #[error(transparent)]
    Box(#[from] BoxError),
}

impl Decoder {
    /// Decodes a photo and crops the face in `face_box`, which is in pixels of the upright photo.
    ///
    /// # Errors
    /// Returns an error if the decoder panics. The error of the image or of the box is the inner one.
    pub async fn crop(
        &self,
        image: EncodedImage,
        face_box: BoundingBox,
        side: usize,
    ) -> Result<Result<Face, CropError>, DecoderError> {
        let memory = |file: &ImageFile<'_>| file.memory();
        let work = move |file: ImageFile<'_>, _memory| {
            let (image, (width, height)) = file.decode_with_size()?;
            let checked = face_box.check(width, height);
            Ok(checked.map(|()| {
                let scale = image.width() as f32 / width as f32;
                image.crop_face(&face_box.scaled(scale), side)
            }))
        };
        let cropped = self.run(image, memory, work).await?;
        Ok(cropped.map_err(CropError::Image).and_then(|face| Ok(face?)))
    }

    /// Decodes a photo and makes the copy for the face detector. A photo whose colours take more than the maximum memory is searched
    /// in gray.
    ///
    /// # Errors
    /// Returns an error if the decoder panics. The error of the image is the inner one.
    pub async fn photo(
        &self,
        image: EncodedImage,
        long_side: LongSide,
    ) -> Result<Result<DecodedPhoto, ImageDecodeError>, DecoderError> {
        let max_memory = self.limits.max_memory;
        let has_colors = move |file: &ImageFile<'_>| file.color_memory() <= max_memory;
        let memory = move |file: &ImageFile<'_>| {
            let (width, height) = file.size();
            // The orientation is not known yet.
            let upright = DetectorImage::memory(width, height, long_side);
            let rotated = DetectorImage::memory(height, width, long_side);
            let decoded = if has_colors(file) {
                file.color_memory()
            } else {
                file.memory()
            };
            decoded.saturating_add(upright.max(rotated))
        };
        let work = move |file: ImageFile<'_>, memory| {
            let (image, copy, size) = if has_colors(&file) {
                let (photo, size) = file.decode_color()?;
                let copy = DetectorImage::new(&photo, long_side);
                (PhotoPixels::Color(photo), copy, size)
            } else {
                let (image, size) = file.decode_with_size()?;
                let copy = DetectorImage::from_gray(&image, long_side);
                (PhotoPixels::Gray(image), copy, size)
            };
            Ok(DecodedPhoto {
                image,
                size,
                copy,
                memory,
            })
        };
        self.run(image, memory, work).await
    }
}
