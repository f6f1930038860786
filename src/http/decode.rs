//! Encoded pictures -> faces, on threads of their own but for small ones: the event loop never stands still.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::future::join_all;
use mien_faces::image::{Face, ImageError, Limits, decode};
use serde::{Deserialize, Serialize};
use tokio::{sync::Semaphore, task::spawn_blocking};
use utoipa::ToSchema;

use super::{
    error::{ApiError, Code},
    upload::Encoded,
};

/// Why one picture of several has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(super) struct ImageProblem {
    /// `invalid_image` or `too_large`.
    pub(super) code: Code,
    /// What is wrong with the picture.
    pub(super) detail: String,
}

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

    /// The face, or the problem, of a small picture; `None` for one that is not.
    fn decode_here(&self, image: &Encoded, side: usize) -> Option<Result<Face, ImageProblem>> {
        let (bytes, pixels) = SMALL;
        if image.len() > bytes || pixels > self.limits.max_pixels {
            return None;
        }
        let face = face(image, &Limits { max_pixels: pixels }, side);
        let larger = face.as_ref().is_err_and(|problem| problem.code == Code::TooLarge);
        (!larger).then_some(face)
    }

    /// The face, or the problem, of each picture, in order. `side` is the model's, in pixels.
    ///
    /// # Errors
    /// 500 when decoding panics.
    pub(super) async fn decode(
        &self,
        images: Vec<Encoded>,
        side: usize,
    ) -> Result<Vec<Result<Face, ImageProblem>>, ApiError> {
        if let [image] = images.as_slice()
            && let Some(face) = self.decode_here(image, side)
        {
            return Ok(vec![face]);
        }
        let faces = images.into_iter().map(|image| async move {
            let turn = Arc::clone(&self.cores).acquire_owned().await;
            let turn = turn.map_err(ApiError::internal)?;
            let limits = self.limits;
            let face = spawn_blocking(move || {
                // Kept to the end even when the request is gone, for the work goes on.
                let _turn = turn;
                face(&image, &limits, side)
            });
            face.await.map_err(ApiError::internal)
        });
        join_all(faces).await.into_iter().collect()
    }
}

/// What is decoded on the event loop: a face that is cut out already takes less time than the way to another thread and
/// back. In bytes of the file and in pixels.
const SMALL: (usize, u64) = (16 << 10, 128 * 128);

fn face(image: &Encoded, limits: &Limits, side: usize) -> Result<Face, ImageProblem> {
    let picture = match image {
        Encoded::Raw(bytes) => decode(bytes, limits),
        Encoded::Base64(text) => {
            let bytes = BASE64_STANDARD.decode(strip_data_url(text)).map_err(|error| {
                let detail = format!("not base64: {error}");
                ImageProblem { code: Code::InvalidImage, detail }
            })?;
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

impl From<ImageError> for ImageProblem {
    fn from(error: ImageError) -> Self {
        let code = match error {
            ImageError::TooManyPixels { .. } => Code::TooLarge,
            ImageError::Unsupported | ImageError::Invalid { .. } => Code::InvalidImage,
        };
        Self { code, detail: error.to_string() }
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
