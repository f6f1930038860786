//! Code -> status -> body. Every error of the API is an RFC 9457 problem with a stable code.

mod code;
mod convert;

use std::{fmt, time::Duration};

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::code::Code;
use super::{MIN_RETRY, middleware::REQUEST_ID};

/// The media type of error bodies.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// An error body (RFC 9457).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "urn:mien:problem:invalid_image",
    "title": "Invalid image",
    "status": 400,
    "detail": "broken PNG picture: the file is cut off",
    "code": "invalid_image",
    "request_id": "b7c7f2de-9c53-4d5c-8f6d-0f3a4be0a3a4"
}))]
pub struct Problem {
    /// A name for the kind of problem: `urn:mien:problem:` and the code.
    pub r#type: String,
    /// The kind of problem in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong with this request.
    pub detail: String,
    /// The kind of problem for programs.
    pub code: Code,
    /// The value of `X-Request-Id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// An error body of the inference protocol v2.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OipError {
    /// What went wrong with this request.
    #[schema(example = "there is no model `resnet`")]
    pub error: String,
}

/// An error that a client sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    code: Code,
    detail: String,
    retry_after: Option<Duration>,
    allow: Option<&'static str>,
    request_id: Option<String>,
    /// Whether the body is that of the inference protocol v2.
    plain: bool,
}

impl ApiError {
    /// An error with its explanation for people; it must not tell paths or internals.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            retry_after: None,
            allow: None,
            request_id: None,
            plain: false,
        }
    }

    /// 400: a mistake in the query, a header or the body's structure.
    pub fn invalid_request(detail: impl Into<String>) -> Self {
        Self::new(Code::InvalidRequest, detail)
    }

    /// 503: the server has too much to do; to be tried again in a second.
    pub fn overloaded(detail: impl Into<String>) -> Self {
        Self { retry_after: Some(MIN_RETRY), ..Self::new(Code::Overloaded, detail) }
    }

    /// 503: the server is shutting down.
    pub fn shutting_down(detail: impl Into<String>) -> Self {
        Self { retry_after: Some(MIN_RETRY), ..Self::new(Code::ShuttingDown, detail) }
    }

    /// 405, with the methods that the path knows.
    pub fn method_not_allowed(allow: &'static str) -> Self {
        let detail = format!("this path takes {allow}");
        Self { allow: Some(allow), ..Self::new(Code::MethodNotAllowed, detail) }
    }

    /// 500. `reason` goes to the log and not to the client.
    pub fn internal(reason: impl fmt::Display) -> Self {
        tracing::error!("internal error: {reason}");
        Self::new(Code::Internal, "the server failed on this request; its log tells why")
    }

    /// What went wrong, for programs.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The same error, its response bearing the request's id.
    pub fn with_request_id(self, id: impl Into<String>) -> Self {
        Self { request_id: Some(id.into()), ..self }
    }

    /// The same error, its body in the form of the path's protocol: `{"error": detail}` below `/v2`.
    pub fn for_path(self, path: &str) -> Self {
        Self { plain: path == "/v2" || path.starts_with("/v2/"), ..self }
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
        let (name, status, title) = self.code.row();
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
        if let Some(methods) = self.allow {
            response.insert_header((header::ALLOW, methods));
        }
        if self.plain {
            return response.json(OipError { error: self.detail.clone() });
        }
        let body = Problem {
            r#type: format!("urn:mien:problem:{name}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.detail.clone(),
            code: self.code,
            request_id: self.request_id.clone(),
        };
        response.content_type(PROBLEM_JSON).json(body)
    }
}
