//! The identifier of a request.

use actix_web::{dev::ServiceRequest, http::header::HeaderValue};

use crate::{
    http::headers::REQUEST_ID,
    telemetry::{is_request_id, new_request_id},
};

/// Identifier of a request: the client's own if it is valid (1 to 128 visible ASCII characters), otherwise a new UUID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    pub(super) fn of(request: &ServiceRequest) -> Self {
        let is_valid = |value: &&HeaderValue| is_request_id(value.as_bytes());
        let own = request.headers().get(&REQUEST_ID).filter(is_valid).cloned();
        Self(own.unwrap_or_else(|| {
            HeaderValue::from_str(&new_request_id()).expect("a UUID is visible ASCII")
        }))
    }

    /// Returns the identifier as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().expect("identifiers are visible ASCII")
    }

    /// Returns the identifier as the value of a header.
    pub(super) fn to_header(&self) -> HeaderValue {
        self.0.clone()
    }
}
