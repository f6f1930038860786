//! Decodes images to faces for HTTP and gRPC, on threads of their own except for small images, so that event loops are never
//! blocked.

mod base64_text;
mod photo;

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use futures_util::future::join_all;
use mien_faces::image::{Face, ImageError, ImageErrorKind, ImageFile, Limits};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    task::{JoinError, spawn_blocking},
};

pub use self::photo::{CropError, DecodedPhoto, PhotoPixels};
use crate::drift::FaceFeatures;

/// An image file as a client sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EncodedImage {
    /// The bytes of the file.
    Raw(Bytes),
    /// The bytes of the file in base64 (standard alphabet), with or without whitespace and the prefix `data:...;base64,`.
    Base64(Bytes),
}

impl EncodedImage {
    /// Returns the number of bytes in memory.
    fn len(&self) -> usize {
        match self {
            Self::Raw(bytes) | Self::Base64(bytes) => bytes.len(),
        }
    }

    /// Returns the bytes of the file.
    fn file(&self) -> Result<Cow<'_, [u8]>, ImageDecodeError> {
        match self {
            Self::Raw(bytes) => Ok(Cow::Borrowed(bytes)),
            Self::Base64(text) => base64_text::decode(text)
                .map(Cow::Owned)
                .map_err(|error| ImageDecodeError::Base64(error.to_string())),
        }
    }
}

/// A face in the size of a model's input.
#[derive(Debug, Clone, PartialEq)]
pub struct DecodedFace {
    /// The face.
    pub face: Face,
    /// Geometric mean of columns and rows of the image file in pixels.
    pub size: f32,
}

impl DecodedFace {
    /// Measures the face.
    pub fn features(&self) -> FaceFeatures {
        FaceFeatures::of_face(&self.face, self.size)
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
    /// Returns the class of the error.
    pub fn kind(&self) -> ImageErrorKind {
        match self {
            Self::Base64(_) => ImageErrorKind::Invalid,
            Self::Image(error) => error.kind(),
        }
    }
}

/// The decoder panicked, or the process is stopping.
#[derive(Debug, thiserror::Error)]
#[error("decoding failed: {0}")]
pub struct DecoderError(String);

impl From<JoinError> for DecoderError {
    fn from(error: JoinError) -> Self {
        Self(error.to_string())
    }
}

/// Decodes at most one image per core at a time, within a memory limit for all of them.
pub struct Decoder {
    limits: Limits,
    cores: Arc<Semaphore>,
    /// The free memory in units of [`MEMORY_UNIT`].
    memory: Arc<Semaphore>,
    /// Permits of the whole memory.
    max_memory: u32,
}

/// Bytes per permit of the memory limit.
const MEMORY_UNIT: u64 = 1 << 10;

impl Decoder {
    /// Creates a decoder for images of up to `max_pixels` pixels. All images together take at most `max_memory` bytes, without
    /// their files.
    pub fn new(max_pixels: u64, max_memory: usize) -> Self {
        let cores = mien_host::cpu::available_cores();
        let max_memory = u64::try_from(max_memory).unwrap_or(u64::MAX);
        let limits = Limits {
            max_pixels,
            max_memory,
        };
        Self {
            limits,
            cores: Arc::new(Semaphore::new(cores)),
            memory: Arc::new(Semaphore::new(permits(max_memory) as usize)),
            max_memory: permits(max_memory),
        }
    }

    /// Decodes a small image on the calling thread. Returns `None` for larger images.
    fn decode_inline(
        &self,
        image: &EncodedImage,
        side: usize,
    ) -> Option<Result<DecodedFace, ImageDecodeError>> {
        let (max_bytes, max_pixels) = INLINE_LIMIT;
        if image.len() > max_bytes {
            return None;
        }
        let file = match image.file() {
            Ok(file) => file,
            Err(error) => return Some(Err(error)),
        };
        match ImageFile::open(&file, &self.limits) {
            Ok(header) if header.pixels() > max_pixels => None,
            Ok(header) => Some(face(header, side)),
            Err(error) => Some(Err(error.into())),
        }
    }

    /// Decodes each image to a face of `side` x `side` pixels and returns the results in order.
    ///
    /// # Errors
    /// Returns an error if the decoder panics.
    pub async fn decode(
        &self,
        images: Vec<EncodedImage>,
        side: usize,
    ) -> Result<Vec<Result<DecodedFace, ImageDecodeError>>, DecoderError> {
        if let [image] = images.as_slice()
            && let Some(face) = self.decode_inline(image, side)
        {
            return Ok(vec![face]);
        }
        let faces = images.into_iter().map(|image| {
            let memory = |file: &ImageFile<'_>| file.memory();
            self.run(image, memory, move |file, _memory| face(file, side))
        });
        join_all(faces).await.into_iter().collect()
    }

    /// Runs `work` on a thread of its own when a core and `memory` bytes are free.
    async fn run<T: Send + 'static>(
        &self,
        image: EncodedImage,
        memory: impl FnOnce(&ImageFile<'_>) -> u64 + Send + 'static,
        work: impl FnOnce(ImageFile<'_>, OwnedSemaphorePermit) -> Result<T, ImageDecodeError>
        + Send
        + 'static,
    ) -> Result<Result<T, ImageDecodeError>, DecoderError> {
        let core = Arc::clone(&self.cores).acquire_owned().await;
        let core = core.map_err(|error| DecoderError(error.to_string()))?;
        let (limits, max_memory) = (self.limits, self.max_memory);
        let free_memory = Arc::clone(&self.memory);
        let runtime = Handle::current();
        let decoding = spawn_blocking(move || {
            // Held until the work ends, even if the request is dropped.
            let _core = core;
            let file = image.file()?;
            let file = ImageFile::open(&file, &limits)?;
            let needed = permits(memory(&file)).min(max_memory);
            // Images that hold memory do not wait for a core, so they end and release it.
            let reserved = runtime
                .block_on(free_memory.acquire_many_owned(needed))
                .expect("the semaphore is never closed");
            work(file, reserved)
        });
        Ok(decoding.await?)
    }
}

/// Limits in bytes and pixels of images that are decoded on the event loop. A cropped face takes less time to decode than a
/// switch to another thread and back.
const INLINE_LIMIT: (usize, usize) = (16 << 10, 128 * 128);

/// Returns the number of permits for this many bytes.
fn permits(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(MEMORY_UNIT)).unwrap_or(u32::MAX)
}

fn face(file: ImageFile<'_>, side: usize) -> Result<DecodedFace, ImageDecodeError> {
    Ok(DecodedFace {
        face: file.decode()?.to_face(side),
        size: file.mean_side(),
    })
}
