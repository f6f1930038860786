//! Headers that are specific to this server.

use actix_web::http::header::{CACHE_CONTROL, HeaderName};
use utoipa::IntoParams;

/// Identifier of a request, in requests and responses.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// API key of a request, for clients that cannot send `Authorization`.
pub(super) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// Length of the JSON that precedes binary tensor data, in requests and responses of the Open Inference Protocol v2.
pub(super) const INFERENCE_LENGTH: HeaderName =
    HeaderName::from_static("inference-header-content-length");
/// Deadline of a request in milliseconds.
pub(super) const REQUEST_TIMEOUT: HeaderName = HeaderName::from_static("x-request-timeout-ms");

/// The trace that a request continues (W3C Trace Context, section 3.2).
pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Data of tracing systems for the trace of a request (W3C Trace Context, section 3.3).
pub(super) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// The server span of a response.
pub(super) const TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");

/// Forbids caches to store a response. Names of image files in evaluations may identify people.
pub(super) const NO_STORE: (HeaderName, &str) = (CACHE_CONTROL, "no-store");

/// Description of the header [`REQUEST_TIMEOUT`].
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(
    dead_code,
    reason = "the type describes a header; `extract::deadline` reads it"
)]
pub(super) struct TimeoutHeader {
    /// Deadline of this request in milliseconds; the server's own deadline applies if it is shorter.
    #[param(rename = "x-request-timeout-ms", minimum = 1)]
    timeout: Option<u64>,
}

/// Description of the header [`REQUEST_ID`].
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(
    dead_code,
    reason = "the type describes a header; `RequestId` reads it"
)]
pub(super) struct RequestIdHeader {
    /// Identifier chosen by the client, 1 to 128 visible ASCII characters, returned in the response.
    #[param(rename = "x-request-id")]
    id: Option<String>,
}
