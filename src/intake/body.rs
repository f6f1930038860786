//! Reads a body and counts its bytes while it streams, so that no byte over the limit is stored.

use actix_web::{
    HttpRequest,
    error::PayloadError,
    http::header,
    web::{Bytes, Payload},
};
use futures_util::{Stream, StreamExt};

use super::{
    IntakeError,
    buffer::{BufferError, ReservedBuffer},
    memory_limit::Reservation,
};
use crate::excerpt::parser_message;

/// Bodies of up to this many bytes are read before the capacity of the queue is checked.
const EAGER: u64 = 64 << 10;

/// Returns the stream of a body, which ends with [`PayloadError::Overflow`] after `max_body` bytes.
///
/// # Errors
/// Returns [`IntakeError::BodyTooLarge`] if the `Content-Length` exceeds the limit.
pub(super) fn limited(
    request: &HttpRequest,
    payload: Payload,
    max_body: usize,
) -> Result<impl Stream<Item = Result<Bytes, PayloadError>> + 'static, IntakeError> {
    expected_length(request, max_body)?;
    let mut seen = 0;
    Ok(payload.map(move |chunk| {
        let chunk = chunk?;
        seen += chunk.len();
        if seen > max_body {
            Err(PayloadError::Overflow)
        } else {
            Ok(chunk)
        }
    }))
}

/// Returns the number of bytes that the client announces, otherwise the maximum.
fn expected_length(request: &HttpRequest, max_body: usize) -> Result<usize, IntakeError> {
    match content_length(request).map(usize::try_from) {
        None => Ok(max_body),
        Some(Ok(length)) if length <= max_body => Ok(length),
        Some(_) => Err(IntakeError::too_large(max_body)),
    }
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

/// Reads a whole body of up to `max_body` bytes. Its memory is reserved in `reservation`.
///
/// # Errors
/// Returns an error if the body exceeds a limit or is incomplete.
pub(super) async fn collect(
    request: &HttpRequest,
    mut payload: Payload,
    max_body: usize,
    reservation: Reservation,
) -> Result<Bytes, IntakeError> {
    let length = expected_length(request, max_body)?;
    let mut body = ReservedBuffer::new(length, reservation);
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| payload_error(&error, max_body))?;
        body.append(&chunk)
            .map_err(|error| buffer_error(&error, max_body))?;
    }
    Ok(body.into_bytes().into())
}

/// Converts the error of a body that cannot be read.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is open")]
pub(super) fn payload_error(error: &PayloadError, max_body: usize) -> IntakeError {
    match error {
        PayloadError::Overflow => IntakeError::too_large(max_body),
        other => IntakeError::Invalid(format!("the body is incomplete: {}", parser_message(other))),
    }
}

/// Converts the error of a body that cannot be stored.
pub(super) fn buffer_error(error: &BufferError, max_body: usize) -> IntakeError {
    match error {
        BufferError::Exhausted => IntakeError::MemoryExhausted,
        BufferError::TooLong { .. } => IntakeError::too_large(max_body),
        BufferError::Io(error) => IntakeError::Invalid(parser_message(error)),
    }
}
