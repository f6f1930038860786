//! Cross-origin resource sharing (Fetch standard, section 3.2).

use actix_cors::Cors;
use actix_web::http::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};

use super::{
    error::{RATE_LIMIT, RATE_LIMIT_POLICY},
    headers::{
        API_KEY, INFERENCE_LENGTH, REQUEST_ID, REQUEST_TIMEOUT, TRACEPARENT, TRACERESPONSE,
        TRACESTATE,
    },
};
use crate::auth::Origin;

/// Time in seconds for which browsers store the response to a preflight request.
const MAX_AGE: usize = 3600;

/// Returns the middleware that allows pages of other origins.
pub fn cors(origins: &[Origin]) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "HEAD", "POST", "PUT", "DELETE"])
        .allowed_headers([
            ACCEPT,
            AUTHORIZATION,
            CONTENT_ENCODING,
            CONTENT_TYPE,
            API_KEY,
            INFERENCE_LENGTH,
            REQUEST_ID,
            REQUEST_TIMEOUT,
            TRACEPARENT,
            TRACESTATE,
        ])
        .expose_headers([
            INFERENCE_LENGTH,
            RATE_LIMIT,
            RATE_LIMIT_POLICY,
            REQUEST_ID,
            RETRY_AFTER,
            TRACERESPONSE,
        ])
        .max_age(MAX_AGE);
    let allow = |cors: Cors, origin: &Origin| cors.allowed_origin(origin.as_str());
    origins.iter().fold(cors, allow)
}
