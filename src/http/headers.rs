//! Names of headers that are specific to this server.

use actix_web::http::header::HeaderName;

/// Identifier of a request, in requests and responses.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
