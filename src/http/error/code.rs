//! The table of error codes: code -> name, status, title.

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Error codes for programs. Codes are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// 400: the image cannot be decoded.
    InvalidImage,
    /// 400: the query, a header, the JSON or the multipart body is invalid.
    InvalidRequest,
    /// 401: an admin request without the admin token.
    Unauthorized,
    /// 403: the admin API is disabled, or the request is from a page of another origin.
    Forbidden,
    /// 404: unknown model.
    UnknownModel,
    /// 404: the version is not loaded.
    UnknownVersion,
    /// 404: unknown data set.
    UnknownDataset,
    /// 404: unknown evaluation.
    UnknownEvaluation,
    /// 404: unknown promotion of this model.
    UnknownPromotion,
    /// 404: unknown image.
    UnknownImage,
    /// 404: no route matches the path.
    NotFound,
    /// 405: the path does not support the method; `Allow` lists the supported ones.
    MethodNotAllowed,
    /// 406: `Accept` matches no available media type.
    NotAcceptable,
    /// 408: the body was not received in time.
    RequestTimeout,
    /// 409: the request conflicts with the present state.
    Conflict,
    /// 409: the two evaluations have no image in common, or the images differ.
    NotComparable,
    /// 409: the files of the model cannot be served.
    InvalidModel,
    /// 413: too many bytes, pixels or images.
    TooLarge,
    /// 415: unsupported `Content-Type` or `Content-Encoding`.
    UnsupportedMediaType,
    /// 500: the server failed.
    Internal,
    /// 503: the queue is full or another limit is exhausted; retry after `Retry-After`.
    Overloaded,
    /// 503: the server is shutting down and accepts no more requests; send them to another replica.
    ShuttingDown,
    /// 503: the model is being loaded; retry after `Retry-After`.
    ModelLoading,
    /// 504: the deadline passed before the response.
    DeadlineExceeded,
}

impl Code {
    /// Returns the row of the table: name, status, title.
    pub(super) fn row(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::InvalidImage => ("invalid_image", S::BAD_REQUEST, "Invalid image"),
            Self::InvalidRequest => ("invalid_request", S::BAD_REQUEST, "Invalid request"),
            Self::Unauthorized => ("unauthorized", S::UNAUTHORIZED, "Unauthorized"),
            Self::Forbidden => ("forbidden", S::FORBIDDEN, "Forbidden"),
            Self::UnknownModel => ("unknown_model", S::NOT_FOUND, "Unknown model"),
            Self::UnknownVersion => ("unknown_version", S::NOT_FOUND, "Unknown version"),
            Self::UnknownDataset => ("unknown_dataset", S::NOT_FOUND, "Unknown data set"),
            Self::UnknownEvaluation => ("unknown_evaluation", S::NOT_FOUND, "Unknown evaluation"),
            Self::UnknownPromotion => ("unknown_promotion", S::NOT_FOUND, "Unknown promotion"),
            Self::UnknownImage => ("unknown_image", S::NOT_FOUND, "Unknown image"),
            Self::NotFound => ("not_found", S::NOT_FOUND, "Not found"),
            Self::MethodNotAllowed => (
                "method_not_allowed",
                S::METHOD_NOT_ALLOWED,
                "Method not allowed",
            ),
            Self::NotAcceptable => ("not_acceptable", S::NOT_ACCEPTABLE, "Not acceptable"),
            Self::RequestTimeout => ("request_timeout", S::REQUEST_TIMEOUT, "Request timeout"),
            Self::Conflict => ("conflict", S::CONFLICT, "Conflict"),
            Self::NotComparable => ("not_comparable", S::CONFLICT, "Not comparable"),
            Self::InvalidModel => ("invalid_model", S::CONFLICT, "Invalid model"),
            Self::TooLarge => ("too_large", S::PAYLOAD_TOO_LARGE, "Too large"),
            Self::UnsupportedMediaType => (
                "unsupported_media_type",
                S::UNSUPPORTED_MEDIA_TYPE,
                "Unsupported media type",
            ),
            Self::Internal => ("internal", S::INTERNAL_SERVER_ERROR, "Internal error"),
            Self::Overloaded => ("overloaded", S::SERVICE_UNAVAILABLE, "Overloaded"),
            Self::ShuttingDown => ("shutting_down", S::SERVICE_UNAVAILABLE, "Shutting down"),
            Self::ModelLoading => ("model_loading", S::SERVICE_UNAVAILABLE, "Model loading"),
            Self::DeadlineExceeded => {
                ("deadline_exceeded", S::GATEWAY_TIMEOUT, "Deadline exceeded")
            }
        }
    }

    /// Returns the name in bodies.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// Returns the status of the response.
    pub fn status(self) -> StatusCode {
        self.row().1
    }
}
