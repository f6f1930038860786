//! What goes wrong with a request, whatever door it came through.

use std::{fmt, time::Duration};

use crate::{
    batching::BatchError,
    intake::decoder::{DecoderError, ImageDecodeError},
    models::{ChangeError, registry::ResolveError},
};

/// How long clients should wait before they try again.
const MIN_RETRY: Duration = Duration::from_secs(1);

/// Whose fault it is and what to do. HTTP and gRPC each have a status for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request is wrong.
    Invalid,
    /// The request is over a limit of the server.
    TooLarge,
    /// No such model or version serves.
    NotFound,
    /// The images do not fit the queue, too many changes wait, or the model is being loaded.
    Unavailable {
        /// When to try again.
        retry_after: Duration,
    },
    /// The server is shutting down.
    ShuttingDown,
    /// The deadline passed.
    DeadlineExceeded,
    /// The server's fault; the log tells why.
    Internal,
}

/// An error with its explanation for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: Kind,
    message: String,
}

impl Error {
    /// An error of this kind; the message must not tell paths or internals.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// A mistake in the request.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    /// The server's fault. `reason` goes to the log and not to the client.
    pub fn internal(reason: impl fmt::Display) -> Self {
        tracing::error!("internal error: {reason}");
        Self::new(Kind::Internal, "the server failed on this request; its log tells why")
    }

    /// Whose fault it is and what to do.
    pub fn kind(&self) -> Kind {
        self.kind
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
            BatchError::DeadlineExceeded => Self::new(Kind::DeadlineExceeded, message),
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
            return Self::new(Kind::Unavailable { retry_after: MIN_RETRY }, message);
        }
        Self::new(Kind::NotFound, message)
    }
}

impl From<ChangeError> for Error {
    fn from(error: ChangeError) -> Self {
        let message = error.to_string();
        match error {
            ChangeError::UnknownModel(_) => Self::new(Kind::NotFound, message),
            ChangeError::Unfit { .. } | ChangeError::NotWanted(_) => Self::invalid(message),
            ChangeError::Failed(reason) => Self::internal(reason),
            ChangeError::Busy => Self::new(Kind::Unavailable { retry_after: MIN_RETRY }, message),
            ChangeError::ShuttingDown => Self::new(Kind::ShuttingDown, message),
        }
    }
}

impl From<ImageDecodeError> for Error {
    fn from(error: ImageDecodeError) -> Self {
        let kind = if error.is_too_large() { Kind::TooLarge } else { Kind::Invalid };
        Self::new(kind, error.to_string())
    }
}

impl From<DecoderError> for Error {
    fn from(error: DecoderError) -> Self {
        Self::internal(error)
    }
}
