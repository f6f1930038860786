//! Errors of the intake.

use std::time::Duration;

use bytesize::ByteSize;
use tokio::task::JoinError;

use super::decoder::DecoderError;
use crate::batching::BatchError;

/// Why a body or its images cannot be read. An error of a single image is an
/// [`ImageDecodeError`](super::decoder::ImageDecodeError).
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The structure of the body is invalid.
    #[error("{0}")]
    Invalid(String),
    /// The type or the content coding of the body is not supported.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// The body has too many bytes.
    #[error("the body exceeds the limit of {0}")]
    BodyTooLarge(ByteSize),
    /// The body has too many images.
    #[error("more than {max} images; split them over several requests")]
    TooManyImages {
        /// Maximum number of images per request.
        max: usize,
    },
    /// The memory limit of all bodies is exhausted.
    #[error("the bodies of other requests use all of --max-body-memory; try again later")]
    MemoryExhausted,
    /// The client sent its body too slowly.
    #[error("the body was not received within {}", humantime::format_duration(*.0))]
    Timeout(Duration),
    /// The deadline of the request passed.
    #[error("the deadline passed before {0}")]
    DeadlineExceeded(&'static str),
    /// The server stops, and the body was not received completely.
    #[error("the server is shutting down and the body was incomplete; send the request again")]
    ShuttingDown,
    /// The queue of the model has no capacity.
    #[error(transparent)]
    Queue(#[from] BatchError),
    /// The decoder failed.
    #[error(transparent)]
    Decoder(#[from] DecoderError),
    /// The parser of JSON panicked, or the process is stopping.
    #[error("parsing failed: {0}")]
    Parser(#[from] JoinError),
}

impl IntakeError {
    /// Returns the error of a body of more than `max` bytes.
    pub fn too_large(max: usize) -> Self {
        Self::BodyTooLarge(ByteSize(u64::try_from(max).unwrap_or(u64::MAX)))
    }
}
