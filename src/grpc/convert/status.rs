//! Errors as statuses.

use std::time::Duration;

use tonic::{Code, Status};

use crate::{
    auth::{AuthError, keys::LimitKind},
    oip::{Error, Kind},
};

/// Metadata with the retry pushback in milliseconds (gRPC retry design).
const PUSHBACK: &str = "grpc-retry-pushback-ms";

impl From<AuthError> for Status {
    fn from(denied: AuthError) -> Self {
        let code = if denied.is_unauthenticated() {
            Code::Unauthenticated
        } else {
            Code::PermissionDenied
        };
        Self::new(code, denied.to_string())
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let code = match error.kind() {
            Kind::Invalid | Kind::TooLarge => Code::InvalidArgument,
            Kind::NotFound => Code::NotFound,
            Kind::Limited(LimitKind::Revoked) => Code::Unauthenticated,
            Kind::Limited(_) => Code::ResourceExhausted,
            Kind::Unavailable { .. } | Kind::ShuttingDown => Code::Unavailable,
            Kind::DeadlineExceeded => Code::DeadlineExceeded,
            Kind::Internal => Code::Internal,
        };
        let mut status = Self::new(code, error.to_string());
        if let Some(retry_after) = retry_after(error.kind()) {
            let millis = u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX);
            status.metadata_mut().insert(PUSHBACK, millis.into());
        }
        status
    }
}

/// Returns the time after which the call can be sent again, if the server knows it.
fn retry_after(kind: Kind) -> Option<Duration> {
    match kind {
        Kind::Unavailable { retry_after } => Some(retry_after),
        Kind::Limited(limit) => limit.retry_after(),
        Kind::Invalid
        | Kind::TooLarge
        | Kind::NotFound
        | Kind::ShuttingDown
        | Kind::DeadlineExceeded
        | Kind::Internal => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batching::BatchError;

    #[test]
    fn shutdown_is_unavailable_without_retry_pushback() {
        let status = Status::from(Error::from(BatchError::ShuttingDown));
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(status.message(), "the server is shutting down");
        assert!(!status.metadata().contains_key(PUSHBACK));
    }
}
