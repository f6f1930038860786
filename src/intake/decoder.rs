//! EncodedImage pictures -> faces, on threads of their own but for small ones: no event loop ever stands still. Both doors,
//! HTTP and gRPC, decode here.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures_util::future::join_all;
use mien_faces::image::{Face, ImageError, Limits, decode};
use tokio::{sync::Semaphore, task::spawn_blocking};

/// A picture as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EncodedImage {
    /// The file's bytes.
    Raw(Bytes),
    /// The file's bytes in base64 (standard alphabet), with or without a `data:...;base64,` in front.
    Base64(String),
}

impl EncodedImage {
    /// Bytes in memory.
    fn len(&self) -> usize {
        match self {
            Self::Raw(bytes) => bytes.len(),
            Self::Base64(text) => text.len(),
        }
    }
}

/// Why a picture has no face.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageDecodeError {
    /// The text is no base64.
    #[error("not base64: {0}")]
    Base64(String),
    /// The bytes are no picture that is read.
    #[error(transparent)]
    Image(#[from] ImageError),
}

impl ImageDecodeError {
    /// Whether the picture is only too large.
    pub fn too_large(&self) -> bool {
        match self {
            Self::Image(ImageError::TooManyPixels { .. }) => true,
            Self::Base64(_) | Self::Image(ImageError::Unsupported | ImageError::Invalid { .. }) => {
                false
            }
        }
    }
}

/// Decoding ended with a panic, or the process is ending.
#[derive(Debug, thiserror::Error)]
#[error("decoding failed: {0}")]
pub struct DecoderError(String);

/// Decodes at most as many pictures at a time as there are cores: memory for pixels is bounded by
/// cores times the pixel limit, however many requests wait.
pub struct Decoder {
    limits: Limits,
    cores: Arc<Semaphore>,
}

impl Decoder {
    /// A decoder for pictures of up to `max_pixels` pixels.
    pub fn new(max_pixels: u64) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { limits: Limits { max_pixels }, cores: Arc::new(Semaphore::new(cores)) }
    }

    /// The face, or what is wrong, of a small picture; `None` for one that is not.
    fn decode_inline(
        &self,
        image: &EncodedImage,
        side: usize,
    ) -> Option<Result<Face, ImageDecodeError>> {
        let (bytes, pixels) = SMALL;
        if image.len() > bytes || pixels > self.limits.max_pixels {
            return None;
        }
        let face = face(image, &Limits { max_pixels: pixels }, side);
        let larger = face.as_ref().is_err_and(ImageDecodeError::too_large);
        (!larger).then_some(face)
    }

    /// The face, or what is wrong, of each picture, in order. `side` is the model's, in pixels.
    ///
    /// # Errors
    /// When decoding panics.
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
            let turn = Arc::clone(&self.cores).acquire_owned().await;
            let turn = turn.map_err(|error| DecoderError(error.to_string()))?;
            let limits = self.limits;
            let face = spawn_blocking(move || {
                // Kept to the end even when the request is gone, for the work goes on.
                let _turn = turn;
                face(&image, &limits, side)
            });
            face.await.map_err(|error| DecoderError(error.to_string()))
        });
        join_all(faces).await.into_iter().collect()
    }
}

/// What is decoded on the event loop: a face that is cut out already takes less time than the way to another thread and
/// back. In bytes of the file and in pixels.
const SMALL: (usize, u64) = (16 << 10, 128 * 128);

fn face(image: &EncodedImage, limits: &Limits, side: usize) -> Result<Face, ImageDecodeError> {
    let picture = match image {
        EncodedImage::Raw(bytes) => decode(bytes, limits),
        EncodedImage::Base64(text) => {
            let bytes = BASE64_STANDARD
                .decode(strip_data_url(text))
                .map_err(|error| ImageDecodeError::Base64(error.to_string()))?;
            decode(&bytes, limits)
        }
    };
    Ok(picture?.to_face(side))
}

fn strip_data_url(text: &str) -> &str {
    match text.split_once(";base64,") {
        Some((head, rest)) if head.starts_with("data:") => rest,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::strip_data_url;

    #[test]
    fn data_urls_lose_their_head() {
        assert_eq!(strip_data_url("data:image/png;base64,AAAA"), "AAAA");
        assert_eq!(strip_data_url("AAAA"), "AAAA");
    }
}
