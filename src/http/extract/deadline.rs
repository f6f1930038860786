//! The deadline of a request.

use std::time::{Duration, Instant};

use actix_web::HttpRequest;

use crate::{
    http::{ApiError, headers::REQUEST_TIMEOUT},
    intake::RequestTimes,
};

/// Returns the time of arrival, which is now, and the deadline: `max` later, or earlier if the client asks for that.
///
/// # Errors
/// Returns 400 if the header is not a number of milliseconds.
pub(in crate::http) fn request_times(
    request: &HttpRequest,
    max: Duration,
) -> Result<RequestTimes, ApiError> {
    let start = Instant::now();
    let deadline = start + timeout(request, max)?;
    Ok(RequestTimes { start, deadline })
}

/// Returns the shorter one of the client's and the server's timeout.
///
/// # Errors
/// Returns 400 if the header is not a number of milliseconds.
fn timeout(request: &HttpRequest, max: Duration) -> Result<Duration, ApiError> {
    let Some(header) = request.headers().get(REQUEST_TIMEOUT) else {
        return Ok(max);
    };
    let millis = header
        .to_str()
        .ok()
        .and_then(|text| text.parse().ok())
        .filter(|&ms: &u64| ms > 0);
    let millis = millis.ok_or_else(|| {
        ApiError::invalid_request(format!(
            "{REQUEST_TIMEOUT}: expected a number of milliseconds, at least 1"
        ))
    })?;
    Ok(max.min(Duration::from_millis(millis)))
}
