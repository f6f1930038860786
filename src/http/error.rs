//! Errors of the API: every error is an RFC 9457 problem with a stable code.

mod code;
mod convert;
pub(super) mod image;
mod rate_limit;

use std::{fmt, time::Duration};

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::code::Code;
pub(super) use self::rate_limit::{RATE_LIMIT, RATE_LIMIT_POLICY};
use super::{MIN_RETRY, headers::REQUEST_ID};
use crate::{auth::keys::LimitKind, excerpt::bounded};

/// The media type of error bodies.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// An error body (RFC 9457).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "urn:mien:problem:invalid_image",
    "title": "Invalid image",
    "status": 400,
    "detail": "invalid PNG image: the file is truncated",
    "code": "invalid_image",
    "request_id": "b7c7f2de-9c53-4d5c-8f6d-0f3a4be0a3a4"
}))]
pub struct Problem {
    /// URN of the kind of problem: `urn:mien:problem:` and the code.
    pub r#type: String,
    /// Title of the kind of problem.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Description of this error, with the invalid value if there is one.
    pub detail: String,
    /// Stable code of the kind of problem.
    pub code: Code,
    /// The value of `X-Request-Id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// An error body of the Open Inference Protocol v2.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OipError {
    /// Description of this error, with the invalid value if there is one.
    #[schema(example = "unknown model `resnet`")]
    pub error: String,
}

/// Returns whether errors of a path have the format of the Open Inference Protocol v2.
pub(super) fn is_oip(path: &str) -> bool {
    path == "/v2" || path.starts_with("/v2/")
}

/// An error response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    code: Code,
    detail: String,
    /// Cause of an internal error, for the log only.
    internal_reason: Option<String>,
    retry_after: Option<Duration>,
    /// The exceeded limit of the API key.
    limit: Option<Box<LimitKind>>,
    allow: Option<Box<str>>,
    request_id: Option<String>,
    /// Whether the body has the format of the Open Inference Protocol v2.
    is_oip: bool,
}

impl ApiError {
    /// Creates an error. The detail must not reveal paths or internals. The middle of a detail of more than 1024 bytes is omitted.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: bounded(detail),
            internal_reason: None,
            retry_after: None,
            limit: None,
            allow: None,
            request_id: None,
            is_oip: false,
        }
    }

    /// 400: an error in the query, a header or the structure of the body.
    pub fn invalid_request(detail: impl Into<String>) -> Self {
        Self::new(Code::InvalidRequest, detail)
    }

    /// 503: a limit is exhausted; the client may retry after a second.
    pub fn overloaded(detail: impl Into<String>) -> Self {
        Self {
            retry_after: Some(MIN_RETRY),
            ..Self::new(Code::Overloaded, detail)
        }
    }

    /// 503: the server is shutting down.
    pub fn shutting_down(detail: impl Into<String>) -> Self {
        Self {
            retry_after: Some(MIN_RETRY),
            ..Self::new(Code::ShuttingDown, detail)
        }
    }

    /// 405 with the allowed methods.
    pub fn method_not_allowed(allow: String) -> Self {
        let detail = format!("method not allowed; this path supports {allow}");
        Self {
            allow: Some(allow.into()),
            ..Self::new(Code::MethodNotAllowed, detail)
        }
    }

    /// 500. The middleware logs `reason` with the identifier of the request; it is not sent to the client.
    pub fn internal(reason: impl fmt::Display) -> Self {
        let detail = "the server failed to process this request; see its log";
        Self {
            internal_reason: Some(reason.to_string()),
            ..Self::new(Code::Internal, detail)
        }
    }

    /// Logs the cause of an internal error.
    pub(super) fn log_internal(&self) {
        if let Some(reason) = &self.internal_reason {
            tracing::error!(reason, "internal error");
        }
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Description of the error for the client.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Adds the identifier of the request.
    pub fn with_request_id(self, id: impl Into<String>) -> Self {
        Self {
            request_id: Some(id.into()),
            ..self
        }
    }

    /// Selects the body format by the protocol of the path: `{"error": detail}` below `/v2`.
    pub fn for_path(self, path: &str) -> Self {
        Self {
            is_oip: is_oip(path),
            ..self
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.detail)
    }
}

impl std::error::Error for ApiError {}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.code.status();
        let mut response = HttpResponse::build(status);
        if let Some(id) = &self.request_id {
            response.insert_header((REQUEST_ID, id.as_str()));
        }
        if self.code == Code::Unauthorized {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if let Some(time) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, time.as_secs().max(1)));
        }
        if let Some(limit) = &self.limit {
            for header in rate_limit::headers(**limit) {
                response.insert_header(header);
            }
        }
        if let Some(methods) = &self.allow {
            response.insert_header((header::ALLOW, methods.as_ref()));
        }
        if self.is_oip {
            return response.json(OipError {
                error: self.detail.clone(),
            });
        }
        let body = Problem {
            r#type: format!("urn:mien:problem:{}", self.code.name()),
            title: self.code.title().to_owned(),
            status: status.as_u16(),
            detail: self.detail.clone(),
            code: self.code,
            request_id: self.request_id.clone(),
        };
        response.content_type(PROBLEM_JSON).json(body)
    }
}
