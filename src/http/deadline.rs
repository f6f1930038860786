//! How long a request may take.

use std::time::Duration;

use actix_web::HttpRequest;

use super::ApiError;

/// The header with which a client asks for a shorter deadline, in milliseconds.
const TIMEOUT_HEADER: &str = "x-request-timeout-ms";

/// The client's time where it is shorter than the server's.
///
/// # Errors
/// 400 for a header that is no count of milliseconds.
pub(super) fn timeout(request: &HttpRequest, longest: Duration) -> Result<Duration, ApiError> {
    let Some(header) = request.headers().get(TIMEOUT_HEADER) else { return Ok(longest) };
    let millis = header.to_str().ok().and_then(|text| text.parse().ok()).filter(|&ms: &u64| ms > 0);
    let millis = millis.ok_or_else(|| {
        ApiError::invalid_request(format!("{TIMEOUT_HEADER}: expected milliseconds, 1 or more"))
    })?;
    Ok(longest.min(Duration::from_millis(millis)))
}
