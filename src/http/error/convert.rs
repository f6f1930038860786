//! Converts the errors of lower layers and of the extractors of actix to error responses.

use actix_web::error::{PathError, QueryPayloadError};

use super::{ApiError, Code};
use crate::{
    auth::AuthError,
    batching::BatchError,
    evaluation::{NotComparable, StartError},
    excerpt::parser_message,
    http::MIN_RETRY,
    intake::IntakeError,
    models::{LifecycleError, PromoteError, registry::ResolveError},
    oip, promotion, shadow,
    store::StoreError,
};

impl From<AuthError> for ApiError {
    fn from(denied: AuthError) -> Self {
        let code = if denied.is_unauthenticated() {
            Code::Unauthorized
        } else {
            Code::Forbidden
        };
        Self::new(code, denied.to_string())
    }
}

impl From<BatchError> for ApiError {
    fn from(error: BatchError) -> Self {
        let detail = error.to_string();
        match error {
            BatchError::Overloaded { retry_after } => Self {
                retry_after: Some(retry_after),
                ..Self::new(Code::Overloaded, detail)
            },
            BatchError::ShuttingDown => Self::shutting_down(detail),
            BatchError::DeadlineExceeded => Self::new(Code::DeadlineExceeded, detail),
            BatchError::InferenceTimeout(_) => Self::new(Code::InferenceTimeout, detail),
            BatchError::OutOfService(_) => Self::new(Code::UnknownVersion, detail),
            BatchError::Failed(reason) | BatchError::InvalidOutput(reason) => {
                Self::internal(reason)
            }
        }
    }
}

impl From<oip::Error> for ApiError {
    fn from(error: oip::Error) -> Self {
        let detail = error.to_string();
        match error.kind() {
            oip::Kind::Invalid => Self::invalid_request(detail),
            oip::Kind::TooLarge => Self::new(Code::TooLarge, detail),
            oip::Kind::NotFound => Self::new(Code::UnknownModel, detail),
            oip::Kind::Unavailable { retry_after } => Self {
                retry_after: Some(retry_after),
                ..Self::new(Code::Overloaded, detail)
            },
            oip::Kind::Limited(limit) => Self::limited(detail, limit),
            oip::Kind::ShuttingDown => Self::shutting_down(detail),
            oip::Kind::DeadlineExceeded => Self::new(Code::DeadlineExceeded, detail),
            oip::Kind::Internal => Self::new(Code::Internal, detail),
        }
    }
}

impl From<IntakeError> for ApiError {
    fn from(error: IntakeError) -> Self {
        let detail = error.to_string();
        match error {
            IntakeError::Invalid(_) => Self::invalid_request(detail),
            IntakeError::UnsupportedMediaType(_) => Self::new(Code::UnsupportedMediaType, detail),
            IntakeError::BodyTooLarge(_) | IntakeError::TooManyImages { .. } => {
                Self::new(Code::TooLarge, detail)
            }
            IntakeError::MemoryExhausted => Self::overloaded(detail),
            IntakeError::Timeout(_) => Self::new(Code::RequestTimeout, detail),
            IntakeError::DeadlineExceeded(_) => Self::new(Code::DeadlineExceeded, detail),
            IntakeError::ShuttingDown => Self::shutting_down(detail),
            IntakeError::Queue(error) => error.into(),
            IntakeError::Decoder(error) => Self::internal(error),
            IntakeError::Parser(error) => Self::internal(error),
        }
    }
}

impl From<ResolveError> for ApiError {
    fn from(error: ResolveError) -> Self {
        let detail = error.to_string();
        match error {
            ResolveError::UnknownModel(_) | ResolveError::UnknownTarget { .. } => {
                Self::new(Code::UnknownModel, detail)
            }
            ResolveError::UnknownVersion { .. }
            | ResolveError::OtherVersion { .. }
            | ResolveError::NotServing { .. } => Self::new(Code::UnknownVersion, detail),
            ResolveError::Loading(_) => Self {
                retry_after: Some(MIN_RETRY),
                ..Self::new(Code::ModelLoading, detail)
            },
        }
    }
}

impl From<LifecycleError> for ApiError {
    fn from(error: LifecycleError) -> Self {
        let detail = error.to_string();
        match error {
            LifecycleError::UnknownModel(_) => Self::new(Code::UnknownModel, detail),
            LifecycleError::InvalidModel { .. } | LifecycleError::ExcludedByPolicy(_) => {
                Self::new(Code::InvalidModel, detail)
            }
            LifecycleError::Failed(_) | LifecycleError::Pin(_) => Self::internal(detail),
            LifecycleError::Busy => Self::overloaded(detail),
            LifecycleError::ShuttingDown => Self::shutting_down(detail),
        }
    }
}

impl From<StartError> for ApiError {
    fn from(error: StartError) -> Self {
        let detail = error.to_string();
        match error {
            StartError::UnknownDataset { .. } => Self::new(Code::UnknownDataset, detail),
            StartError::EmptySplit { .. } | StartError::Labels(_) => Self::invalid_request(detail),
            StartError::TooMany => Self::overloaded(detail),
            StartError::ShuttingDown => Self::shutting_down(detail),
            StartError::Store(error) => error.into(),
        }
    }
}

impl From<PromoteError> for ApiError {
    fn from(error: PromoteError) -> Self {
        let detail = error.to_string();
        match error {
            PromoteError::Change(error) => error.into(),
            PromoteError::UnknownVersion { .. } => Self::new(Code::UnknownVersion, detail),
            PromoteError::NotServing(_)
            | PromoteError::AlreadyServing { .. }
            | PromoteError::Changed { .. }
            | PromoteError::InProgress(_) => Self::new(Code::Conflict, detail),
        }
    }
}

impl From<promotion::StartError> for ApiError {
    fn from(error: promotion::StartError) -> Self {
        use promotion::StartError as E;
        let detail = error.to_string();
        match error {
            E::Promote(error) => error.into(),
            E::Baseline(error) => error.into(),
            E::Evaluation(error) => error.into(),
            E::Store(error) => error.into(),
            E::Itself(_)
            | E::TooFewImages { .. }
            | E::NoGroups { .. }
            | E::TooFewGroupImages { .. } => Self::invalid_request(detail),
            E::Shadow(_) => Self::new(Code::ShadowNotPassed, detail),
            E::TooMany => Self::overloaded(detail),
            E::ShuttingDown => Self::shutting_down(detail),
        }
    }
}

impl From<shadow::StartError> for ApiError {
    fn from(error: shadow::StartError) -> Self {
        use shadow::StartError as E;
        let detail = error.to_string();
        match error {
            E::Candidate(error) => error.into(),
            E::OtherLabels { .. } | E::OtherSize { .. } => Self::new(Code::NotComparable, detail),
            E::OtherServes { .. } | E::InProgress(_) | E::Ended => {
                Self::new(Code::Conflict, detail)
            }
            E::Crashed => Self::internal(detail),
            E::ShuttingDown => Self::shutting_down(detail),
        }
    }
}

impl From<NotComparable> for ApiError {
    fn from(error: NotComparable) -> Self {
        Self::new(Code::NotComparable, error.to_string())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::internal(error)
    }
}

impl From<QueryPayloadError> for ApiError {
    fn from(error: QueryPayloadError) -> Self {
        let message = match error {
            QueryPayloadError::Deserialize(error) => parser_message(&error),
            other => parser_message(&other),
        };
        Self::invalid_request(format!("query: {message}"))
    }
}

impl From<PathError> for ApiError {
    fn from(error: PathError) -> Self {
        Self::new(Code::NotFound, format!("path: {}", parser_message(&error)))
    }
}
