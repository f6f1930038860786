//! Reads a body, counting while it streams: no byte over the limit is kept.

use std::{io, time::Instant};

use actix_web::{
    HttpRequest,
    error::PayloadError,
    http::header,
    web::{Bytes, BytesMut, Payload},
};
use bytesize::ByteSize;
use futures_util::{Stream, StreamExt, TryStreamExt};
use tokio::time::timeout_at;

use super::error::{ApiError, Code};
use crate::{intake::memory_limit::Reservation, settings::LimitSettings};

/// Bytes of a body that are read before anything else is looked at.
const EAGER: u64 = 64 << 10;

/// The stream of a body that ends with [`PayloadError::Overflow`] past `max_body` bytes. Its bytes are taken into `reservation`.
///
/// # Errors
/// At once, when the `Content-Length` is over the limit already.
pub(super) fn limited(
    request: &HttpRequest,
    payload: Payload,
    max_body: usize,
    reservation: Reservation,
) -> Result<impl Stream<Item = Result<Bytes, PayloadError>> + 'static, ApiError> {
    let length = content_length(request);
    if length.is_some_and(|length| usize::try_from(length).map_or(true, |n| n > max_body)) {
        return Err(too_large(max_body));
    }
    let mut seen = 0;
    Ok(payload.into_stream().map(move |chunk| {
        let chunk = chunk?;
        seen += chunk.len();
        if seen > max_body {
            Err(PayloadError::Overflow)
        } else if reservation.reserve(chunk.len()) {
            Ok(chunk)
        } else {
            Err(PayloadError::Io(io::ErrorKind::OutOfMemory.into()))
        }
    }))
}

/// Refuses a compressed body.
///
/// # Errors
/// 415, where the body is compressed.
pub(super) fn uncompressed(request: &HttpRequest) -> Result<(), ApiError> {
    match request.headers().get(header::CONTENT_ENCODING) {
        Some(encoding) if encoding != "identity" => {
            let detail = "compressed bodies are not read here; send it without Content-Encoding";
            Err(ApiError::new(Code::UnsupportedMediaType, detail))
        }
        _ => Ok(()),
    }
}

/// Whether a body is more than what is likely to have come with the request's head.
pub(super) fn is_large(request: &HttpRequest) -> bool {
    content_length(request).is_none_or(|length| length > EAGER)
}

fn content_length(request: &HttpRequest) -> Option<u64> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The whole body.
///
/// # Errors
/// When it is over the limit or breaks off.
pub(super) async fn collect(
    body: impl Stream<Item = Result<Bytes, PayloadError>>,
    max_body: usize,
) -> Result<Bytes, ApiError> {
    let whole = body.try_fold(BytesMut::new(), async |mut whole, chunk| {
        whole.extend_from_slice(&chunk);
        Ok(whole)
    });
    whole.await.map(BytesMut::freeze).map_err(|error| broken(&error, max_body))
}

/// Waits for a body to be read, at most `body_timeout` and not past the request's deadline.
///
/// # Errors
/// Those of `reading`, 408 and 504.
pub(super) async fn in_time<T>(
    reading: impl Future<Output = Result<T, ApiError>>,
    start: Instant,
    deadline: Instant,
    limits: &LimitSettings,
) -> Result<T, ApiError> {
    let arrival = start + limits.body_timeout;
    timeout_at(arrival.min(deadline).into(), reading).await.unwrap_or_else(|_| {
        Err(if arrival <= deadline {
            let time = humantime::format_duration(limits.body_timeout);
            ApiError::new(Code::RequestTimeout, format!("the body did not arrive within {time}"))
        } else {
            let detail = "the deadline passed before the body had arrived";
            ApiError::new(Code::DeadlineExceeded, detail)
        })
    })
}

/// The error of a body that could not be read.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is open")]
pub(super) fn broken(error: &PayloadError, max_body: usize) -> ApiError {
    match error {
        PayloadError::Overflow => too_large(max_body),
        PayloadError::Io(error) if error.kind() == io::ErrorKind::OutOfMemory => no_memory(),
        other => ApiError::invalid_request(format!("the body broke off: {other}")),
    }
}

/// The error of a body that finds no room beside those of other requests.
pub(super) fn no_memory() -> ApiError {
    ApiError::overloaded("there is no memory left for bodies; try again")
}

/// The error of a body over the limit.
pub(super) fn too_large(max_body: usize) -> ApiError {
    let limit = ByteSize(u64::try_from(max_body).unwrap_or(u64::MAX));
    ApiError::new(Code::TooLarge, format!("the body is over the limit of {limit}"))
}
