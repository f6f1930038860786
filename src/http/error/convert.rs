//! The errors of the layers below, and of actix' extractors, as a client sees them.

use actix_web::error::{JsonPayloadError, PathError, QueryPayloadError};

use super::{ApiError, Code};
use crate::{
    batching::BatchError, evaluation::StartError, http::MIN_RETRY, models::registry::ResolveError,
    v2,
};

impl From<BatchError> for ApiError {
    fn from(error: BatchError) -> Self {
        let detail = error.to_string();
        match error {
            BatchError::Overloaded { retry_after } => {
                Self { retry_after: Some(retry_after), ..Self::new(Code::Overloaded, detail) }
            }
            BatchError::ShuttingDown => {
                Self { retry_after: Some(MIN_RETRY), ..Self::new(Code::Overloaded, detail) }
            }
            BatchError::DeadlineExceeded => Self::new(Code::DeadlineExceeded, detail),
            BatchError::Failed(reason) => Self::internal(reason),
        }
    }
}

impl From<v2::Error> for ApiError {
    fn from(error: v2::Error) -> Self {
        let detail = error.to_string();
        match error.kind() {
            v2::Kind::Invalid => Self::invalid_request(detail),
            v2::Kind::TooLarge => Self::new(Code::TooLarge, detail),
            v2::Kind::NotFound => Self::new(Code::UnknownModel, detail),
            v2::Kind::Overloaded { retry_after } => {
                Self { retry_after: Some(retry_after), ..Self::new(Code::Overloaded, detail) }
            }
            v2::Kind::DeadlineExceeded => Self::new(Code::DeadlineExceeded, detail),
            v2::Kind::Internal => Self::new(Code::Internal, detail),
        }
    }
}

impl From<ResolveError> for ApiError {
    fn from(error: ResolveError) -> Self {
        let code = match error {
            ResolveError::UnknownModel(_) => Code::UnknownModel,
            ResolveError::UnknownVersion { .. } => Code::UnknownVersion,
        };
        Self::new(code, error.to_string())
    }
}

impl From<StartError> for ApiError {
    fn from(error: StartError) -> Self {
        let detail = error.to_string();
        match error {
            StartError::UnknownDataset { .. } => Self::new(Code::UnknownDataset, detail),
            StartError::EmptySplit { .. } | StartError::Labels(_) => Self::invalid_request(detail),
            StartError::TooMany | StartError::ShuttingDown => {
                Self { retry_after: Some(MIN_RETRY), ..Self::new(Code::Overloaded, detail) }
            }
        }
    }
}

impl From<QueryPayloadError> for ApiError {
    fn from(error: QueryPayloadError) -> Self {
        match error {
            QueryPayloadError::Deserialize(error) => {
                Self::invalid_request(format!("query: {error}"))
            }
            other => Self::invalid_request(format!("query: {other}")),
        }
    }
}

impl From<PathError> for ApiError {
    fn from(error: PathError) -> Self {
        Self::new(Code::NotFound, format!("path: {error}"))
    }
}

impl From<JsonPayloadError> for ApiError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the enum is open")]
    fn from(error: JsonPayloadError) -> Self {
        match error {
            JsonPayloadError::ContentType => {
                Self::new(Code::UnsupportedMediaType, "send Content-Type: application/json")
            }
            JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => {
                Self::new(Code::TooLarge, error.to_string())
            }
            other => Self::invalid_request(format!("JSON: {other}")),
        }
    }
}
