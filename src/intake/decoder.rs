//! Decodes images to faces for HTTP and gRPC, on threads of their own except for small images, so that event loops are never
//! blocked.

mod base64_text;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use mien_faces::image::{Face, ImageError, Limits, decode};
use tokio::{sync::Semaphore, task::spawn_blocking};

/// An image file as a client sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EncodedImage {
    /// The bytes of the file.
    Raw(Bytes),
    /// The bytes of the file in base64 (standard alphabet), with or without whitespace and the prefix `data:...;base64,`.
    Base64(String),
}

impl EncodedImage {
    /// Returns the number of bytes in memory.
    fn len(&self) -> usize {
        match self {
            Self::Raw(bytes) => bytes.len(),
            Self::Base64(text) => text.len(),
        }
    }
}

/// Why an image cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageDecodeError {
    /// The text is not base64.
    #[error("invalid base64: {0}")]
    Base64(String),
    /// The bytes are not an image of a supported format.
    #[error(transparent)]
    Image(#[from] ImageError),
}

impl ImageDecodeError {
    /// Returns whether the image only exceeds the pixel limit.
    pub fn is_too_large(&self) -> bool {
        match self {
            Self::Image(ImageError::TooManyPixels { .. }) => true,
            Self::Base64(_) | Self::Image(ImageError::Unsupported | ImageError::Invalid { .. }) => {
                false
            }
        }
    }
}

/// The decoder panicked, or the process is stopping.
#[derive(Debug, thiserror::Error)]
#[error("decoding failed: {0}")]
pub struct DecoderError(String);

/// Decodes at most one image per core at a time, so that memory for pixels is bounded by cores times the pixel limit.
pub struct Decoder {
    limits: Limits,
    cores: Arc<Semaphore>,
}

impl Decoder {
    /// Creates a decoder for images of up to `max_pixels` pixels.
    pub fn new(max_pixels: u64) -> Self {
        let cores = mien_host::cpu::available_cores();
        Self {
            limits: Limits { max_pixels },
            cores: Arc::new(Semaphore::new(cores)),
        }
    }

    /// Decodes a small image on the calling thread. Returns `None` for larger images.
    fn decode_inline(
        &self,
        image: &EncodedImage,
        side: usize,
    ) -> Option<Result<Face, ImageDecodeError>> {
        let (bytes, pixels) = INLINE_LIMIT;
        if image.len() > bytes || pixels > self.limits.max_pixels {
            return None;
        }
        let face = face(image, &Limits { max_pixels: pixels }, side);
        let larger = face.as_ref().is_err_and(ImageDecodeError::is_too_large);
        (!larger).then_some(face)
    }

    /// Decodes each image to a face of `side` x `side` pixels and returns the results in order.
    ///
    /// # Errors
    /// Returns an error if the decoder panics.
    pub async fn decode(
        &self,
        images: Vec<EncodedImage>,
        side: usize,
    ) -> Result<Vec<Result<Face, ImageDecodeError>>, DecoderError> {
        if let [image] = images.as_slice()
            && let Some(face) = self.decode_inline(image, side)
        {
            return Ok(vec![face]);
        }
        let faces = images.into_iter().map(|image| async move {
            let permit = Arc::clone(&self.cores).acquire_owned().await;
            let permit = permit.map_err(|error| DecoderError(error.to_string()))?;
            let limits = self.limits;
            let face = spawn_blocking(move || {
                // Held until the work ends, even if the request is dropped.
                let _permit = permit;
                face(&image, &limits, side)
            });
            face.await.map_err(|error| DecoderError(error.to_string()))
        });
        join_all(faces).await.into_iter().collect()
    }
}

/// Limits in bytes and pixels of images that are decoded on the event loop. A cropped face takes less time to decode than a
/// switch to another thread and back.
const INLINE_LIMIT: (usize, u64) = (16 << 10, 128 * 128);

fn face(image: &EncodedImage, limits: &Limits, side: usize) -> Result<Face, ImageDecodeError> {
    let picture = match image {
        EncodedImage::Raw(bytes) => decode(bytes, limits),
        EncodedImage::Base64(text) => {
            let bytes = base64_text::decode(text)
                .map_err(|error| ImageDecodeError::Base64(error.to_string()))?;
            decode(&bytes, limits)
        }
    };
    Ok(picture?.to_face(side))
}
