//! Errors of the protocol, independent of the transport.

use mien_faces::image::ImageErrorKind;

use std::{fmt, time::Duration};

use crate::{
    auth::keys::{LimitExceeded, LimitKind},
    batching::BatchError,
    excerpt::bounded,
    intake::decoder::{DecoderError, ImageDecodeError},
    models::{LifecycleError, registry::ResolveError},
};

/// Minimum time before a retry.
const MIN_RETRY: Duration = Duration::from_secs(1);

/// The kind of an error. HTTP and gRPC map it to a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request is invalid.
    Invalid,
    /// The request exceeds a limit of the server.
    TooLarge,
    /// The model or version is not loaded.
    NotFound,
    /// The queue is full, too many changes are pending, or the model is being loaded.
    Unavailable {
        /// Time before a retry.
        retry_after: Duration,
    },
    /// A limit of the API key is exceeded.
    Limited(LimitKind),
    /// The server is shutting down.
    ShuttingDown,
    /// The deadline of the request or the time limit of an inference passed.
    DeadlineExceeded,
    /// The server failed; its log has the reason.
    Internal,
}

/// An error with a description.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: Kind,
    message: String,
}

impl Error {
    /// Creates an error. The message must not reveal paths or internals. The middle of a message of more than 1024 bytes is
    /// omitted.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: bounded(message),
        }
    }

    /// Creates an error of an invalid request.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    /// Creates an internal error. `reason` is logged and not sent to the client.
    pub fn internal(reason: impl fmt::Display) -> Self {
        tracing::error!(%reason, "internal error");
        Self::new(
            Kind::Internal,
            "the server failed to process this request; see its log",
        )
    }

    /// Kind of the error.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

impl From<LimitExceeded> for Error {
    fn from(exceeded: LimitExceeded) -> Self {
        Self::new(Kind::Limited(exceeded.kind), exceeded.to_string())
    }
}

impl From<BatchError> for Error {
    fn from(error: BatchError) -> Self {
        let message = error.to_string();
        match error {
            BatchError::Overloaded { retry_after } => {
                Self::new(Kind::Unavailable { retry_after }, message)
            }
            BatchError::ShuttingDown => Self::new(Kind::ShuttingDown, message),
            BatchError::DeadlineExceeded | BatchError::InferenceTimeout(_) => {
                Self::new(Kind::DeadlineExceeded, message)
            }
            BatchError::OutOfService(_) => Self::new(Kind::NotFound, message),
            BatchError::Failed(reason) | BatchError::InvalidOutput(reason) => {
                Self::internal(reason)
            }
        }
    }
}

impl From<ResolveError> for Error {
    fn from(error: ResolveError) -> Self {
        let message = error.to_string();
        if error.is_loading() {
            return Self::new(
                Kind::Unavailable {
                    retry_after: MIN_RETRY,
                },
                message,
            );
        }
        Self::new(Kind::NotFound, message)
    }
}

impl From<LifecycleError> for Error {
    fn from(error: LifecycleError) -> Self {
        let message = error.to_string();
        match error {
            LifecycleError::UnknownModel(_) => Self::new(Kind::NotFound, message),
            LifecycleError::InvalidModel { .. } | LifecycleError::ExcludedByPolicy(_) => {
                Self::invalid(message)
            }
            LifecycleError::Failed(_) | LifecycleError::Pin(_) => Self::internal(message),
            LifecycleError::Busy => Self::new(
                Kind::Unavailable {
                    retry_after: MIN_RETRY,
                },
                message,
            ),
            LifecycleError::ShuttingDown => Self::new(Kind::ShuttingDown, message),
        }
    }
}

impl From<ImageDecodeError> for Error {
    fn from(error: ImageDecodeError) -> Self {
        let kind = match error.kind() {
            ImageErrorKind::TooLarge => Kind::TooLarge,
            ImageErrorKind::Invalid | ImageErrorKind::Unsupported => Kind::Invalid,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<DecoderError> for Error {
    fn from(error: DecoderError) -> Self {
        Self::internal(error)
    }
}
