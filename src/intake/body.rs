//! Reads a body and counts its bytes while it streams, so that no byte over the limit is stored.

use std::io;

use actix_web::{
    HttpRequest,
    error::PayloadError,
    http::header,
    web::{Bytes, BytesMut, Payload},
};
use futures_util::{Stream, StreamExt, TryStreamExt};

use super::{IntakeError, memory_limit::Reservation};
use crate::excerpt::parser_message;

/// Bodies of up to this many bytes are read before the capacity of the queue is checked.
const EAGER: u64 = 64 << 10;

/// Returns the stream of a body, which ends with [`PayloadError::Overflow`] after `max_body` bytes. Its bytes are reserved in
/// `reservation`.
///
/// # Errors
/// Returns [`IntakeError::BodyTooLarge`] if the `Content-Length` exceeds the limit.
pub(super) fn limited(
    request: &HttpRequest,
    payload: Payload,
    max_body: usize,
    reservation: Reservation,
) -> Result<impl Stream<Item = Result<Bytes, PayloadError>> + 'static, IntakeError> {
    let length = content_length(request);
    if length.is_some_and(|length| usize::try_from(length).map_or(true, |n| n > max_body)) {
        return Err(IntakeError::too_large(max_body));
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
/// Returns [`IntakeError::UnsupportedMediaType`] if the body is compressed.
pub fn uncompressed(request: &HttpRequest) -> Result<(), IntakeError> {
    if content_codings(request).is_empty() {
        return Ok(());
    }
    let detail =
        "this route does not accept compressed bodies; send the body without Content-Encoding";
    Err(IntakeError::UnsupportedMediaType(detail.to_owned()))
}

/// Returns the content codings of a body in lower case, without `identity` and empty list elements (RFC 9110, sections 5.6.1.2 and
/// 8.4).
pub fn content_codings(request: &HttpRequest) -> Vec<String> {
    let mut codings = Vec::new();
    for value in request.headers().get_all(header::CONTENT_ENCODING) {
        let value = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
        let elements = value.split(',').map(str::trim);
        let elements = elements.filter(|element| !element.is_empty() && *element != "identity");
        codings.extend(elements.map(str::to_owned));
    }
    codings
}

/// Returns whether a body is too large to have arrived together with the head of the request.
pub fn is_large(request: &HttpRequest) -> bool {
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

/// Collects the stream of a body.
///
/// # Errors
/// Returns an error if the body exceeds the limit or is incomplete.
pub(super) async fn collect(
    body: impl Stream<Item = Result<Bytes, PayloadError>>,
    max_body: usize,
) -> Result<Bytes, IntakeError> {
    let whole = body.try_fold(BytesMut::new(), async |mut whole, chunk| {
        whole.extend_from_slice(&chunk);
        Ok(whole)
    });
    whole
        .await
        .map(BytesMut::freeze)
        .map_err(|error| payload_error(&error, max_body))
}

/// Converts the error of a body that cannot be read.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is open")]
pub(super) fn payload_error(error: &PayloadError, max_body: usize) -> IntakeError {
    match error {
        PayloadError::Overflow => IntakeError::too_large(max_body),
        PayloadError::Io(error) if error.kind() == io::ErrorKind::OutOfMemory => {
            IntakeError::MemoryExhausted
        }
        other => IntakeError::Invalid(format!("the body is incomplete: {}", parser_message(other))),
    }
}
