//! Reads a body and counts its bytes while it streams, so that no byte over the limit is stored.

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

/// Bodies up to this size are read before the capacity of the queue is checked.
const EAGER: u64 = 64 << 10;

/// Returns the stream of a body, which ends with [`PayloadError::Overflow`] after `max_body` bytes. Its bytes are reserved in
/// `reservation`.
///
/// # Errors
/// Returns 413 if the `Content-Length` exceeds the limit.
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

/// Rejects a compressed body.
///
/// # Errors
/// Returns 415 if the body is compressed.
pub(super) fn uncompressed(request: &HttpRequest) -> Result<(), ApiError> {
    match request.headers().get(header::CONTENT_ENCODING) {
        Some(encoding) if encoding != "identity" => {
            let detail = "this route does not accept compressed bodies; send the body without Content-Encoding";
            Err(ApiError::new(Code::UnsupportedMediaType, detail))
        }
        _ => Ok(()),
    }
}

/// Returns whether a body is too large to have arrived together with the head of the request.
pub(super) fn is_large(request: &HttpRequest) -> bool {
    content_length(request).is_none_or(|length| length > EAGER)
}

fn content_length(request: &HttpRequest) -> Option<u64> {
    request
        .headers()
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// Reads the whole body.
///
/// # Errors
/// Returns an error if the body exceeds the limit or is incomplete.
pub(super) async fn collect(
    body: impl Stream<Item = Result<Bytes, PayloadError>>,
    max_body: usize,
) -> Result<Bytes, ApiError> {
    let whole = body.try_fold(BytesMut::new(), async |mut whole, chunk| {
        whole.extend_from_slice(&chunk);
        Ok(whole)
    });
    whole
        .await
        .map(BytesMut::freeze)
        .map_err(|error| payload_error(&error, max_body))
}

/// Waits for `reading`, at most `body_timeout` and not longer than the deadline of the request.
///
/// # Errors
/// Returns the errors of `reading`, 408 and 504.
pub(super) async fn with_timeout<T>(
    reading: impl Future<Output = Result<T, ApiError>>,
    start: Instant,
    deadline: Instant,
    limits: &LimitSettings,
) -> Result<T, ApiError> {
    let arrival = start + limits.body_timeout;
    timeout_at(arrival.min(deadline).into(), reading)
        .await
        .unwrap_or_else(|_| {
            Err(if arrival <= deadline {
                let time = humantime::format_duration(limits.body_timeout);
                ApiError::new(
                    Code::RequestTimeout,
                    format!("the body was not received within {time}"),
                )
            } else {
                let detail = "the deadline passed before the body was received";
                ApiError::new(Code::DeadlineExceeded, detail)
            })
        })
}

/// Converts the error of a body that cannot be read.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is open")]
pub(super) fn payload_error(error: &PayloadError, max_body: usize) -> ApiError {
    match error {
        PayloadError::Overflow => too_large(max_body),
        PayloadError::Io(error) if error.kind() == io::ErrorKind::OutOfMemory => memory_exhausted(),
        other => ApiError::invalid_request(format!("the body is incomplete: {other}")),
    }
}

/// Returns the error of a body that exceeds the memory limit of all bodies.
pub(super) fn memory_exhausted() -> ApiError {
    ApiError::overloaded(
        "the bodies of other requests use all of --max-body-memory; try again later",
    )
}

/// Returns the error of a body over the size limit.
pub(super) fn too_large(max_body: usize) -> ApiError {
    let limit = ByteSize(u64::try_from(max_body).unwrap_or(u64::MAX));
    ApiError::new(
        Code::TooLarge,
        format!("the body exceeds the limit of {limit}"),
    )
}
