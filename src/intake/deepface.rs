//! Reads requests of deepface's `POST /analyze`: one image and options, as JSON or as a form. The image is part of the request. A path
//! or a URL is rejected, because a client must not choose what the server opens.

mod form;
mod json_body;
mod options;

use actix_web::{
    HttpMessage, HttpRequest,
    web::{Bytes, Payload},
};

pub use self::options::AnalysisOptions;
use super::{IntakeError, body, decoder::EncodedImage, memory_limit::Reservation};
use crate::{json, settings::LimitSettings};

/// Name of the field with the image.
const IMAGE: &str = "img";
/// Name of this field in older versions of deepface.
const IMAGE_PATH: &str = "img_path";

/// An image and the options of its analysis.
#[derive(Debug)]
pub struct Analysis {
    /// The image file.
    pub image: EncodedImage,
    /// The options.
    pub options: AnalysisOptions,
}

/// Reads a request. The bytes of the image are reserved in `reservation`. The file is not decoded.
///
/// # Errors
/// Returns an error for a body of another kind, over a limit, without an image, or with a path or a URL instead of an image.
pub(crate) async fn read(
    request: &HttpRequest,
    payload: Payload,
    limits: &LimitSettings,
    reservation: Reservation,
) -> Result<Analysis, IntakeError> {
    body::uncompressed(request)?;
    let media_type = request.mime_type().ok().flatten();
    match media_type.as_ref().map(mime::Mime::essence_str) {
        Some("application/json") => {
            let collecting = body::collect(request, payload, limits.max_body, reservation.clone());
            let body = collecting.await?;
            let parse = {
                let body = body.clone();
                move || json_body::parse(&body, &reservation)
            };
            json::off_event_loop(body.len(), parse).await?
        }
        Some("multipart/form-data") => form::read(request, payload, limits, &reservation).await,
        _ => {
            let detail = "unsupported Content-Type; send application/json or multipart/form-data";
            Err(IntakeError::UnsupportedMediaType(detail.to_owned()))
        }
    }
}

/// Returns the image of a data URI.
fn data_uri(text: Bytes) -> Result<EncodedImage, IntakeError> {
    if text.trim_ascii_start().starts_with(b"data:") {
        return Ok(EncodedImage::Base64(text));
    }
    let detail = format!(
        "`{IMAGE}` is not a data URI; send the file as `data:image/...;base64,` or in a form. The server does not open paths and URLs"
    );
    Err(IntakeError::Invalid(detail))
}

/// Returns the error of a request without an image.
fn missing_image() -> IntakeError {
    let detail = format!("the request has no image; send it as `{IMAGE}`");
    IntakeError::Invalid(detail)
}
