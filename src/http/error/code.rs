//! One table: code -> name, status, title.

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What went wrong, for programs. Codes are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// 400: the picture cannot be read.
    InvalidImage,
    /// 400: the query, a header, the JSON or the multipart body is wrong.
    InvalidRequest,
    /// 401: an order without the admin token.
    Unauthorized,
    /// 403: nobody may give this order here.
    Forbidden,
    /// 404: no model of this name.
    UnknownModel,
    /// 404: no such version of the model that serves.
    UnknownVersion,
    /// 404: no data set of this name.
    UnknownDataset,
    /// 404: no evaluation of this id.
    UnknownEvaluation,
    /// 404: the model has no promotion of this id.
    UnknownPromotion,
    /// 404: no image of this id.
    UnknownImage,
    /// 404: no such path.
    NotFound,
    /// 405: the path knows other methods; `Allow` names them.
    MethodNotAllowed,
    /// 406: the answer comes in none of the forms that `Accept` names.
    NotAcceptable,
    /// 408: the body took too long to arrive.
    RequestTimeout,
    /// 409: not as things stand now.
    Conflict,
    /// 409: the two have no images in common, or different ones under the same names.
    NotComparable,
    /// 409: the model's files cannot be served as they are.
    InvalidModel,
    /// 413: too many bytes, pixels or pictures.
    TooLarge,
    /// 415: the `Content-Type` or `Content-Encoding` is none that is read.
    UnsupportedMediaType,
    /// 500: the server's fault.
    Internal,
    /// 503: the queue or another limit is full; `Retry-After` says when to try again.
    Overloaded,
    /// 503: the server is shutting down and accepts no more requests; send them to another replica.
    ShuttingDown,
    /// 503: the model does not serve yet; `Retry-After` says when to try again.
    ModelLoading,
    /// 504: the deadline passed before the answer was there.
    DeadlineExceeded,
}

impl Code {
    /// Its row of the table: name, status, title.
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
            Self::MethodNotAllowed => {
                ("method_not_allowed", S::METHOD_NOT_ALLOWED, "Method not allowed")
            }
            Self::NotAcceptable => ("not_acceptable", S::NOT_ACCEPTABLE, "Not acceptable"),
            Self::RequestTimeout => ("request_timeout", S::REQUEST_TIMEOUT, "Request timeout"),
            Self::Conflict => ("conflict", S::CONFLICT, "Conflict"),
            Self::NotComparable => ("not_comparable", S::CONFLICT, "Not comparable"),
            Self::InvalidModel => ("invalid_model", S::CONFLICT, "Invalid model"),
            Self::TooLarge => ("too_large", S::PAYLOAD_TOO_LARGE, "Too large"),
            Self::UnsupportedMediaType => {
                ("unsupported_media_type", S::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type")
            }
            Self::Internal => ("internal", S::INTERNAL_SERVER_ERROR, "Internal error"),
            Self::Overloaded => ("overloaded", S::SERVICE_UNAVAILABLE, "Overloaded"),
            Self::ShuttingDown => ("shutting_down", S::SERVICE_UNAVAILABLE, "Shutting down"),
            Self::ModelLoading => ("model_loading", S::SERVICE_UNAVAILABLE, "Model loading"),
            Self::DeadlineExceeded => {
                ("deadline_exceeded", S::GATEWAY_TIMEOUT, "Deadline exceeded")
            }
        }
    }

    /// Its name in bodies.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// The status of a response that fails with it.
    pub fn status(self) -> StatusCode {
        self.row().1
    }
}
