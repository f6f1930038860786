//! The form of an analysis.

use actix_multipart::{Field, Multipart};
use actix_web::{
    HttpRequest,
    web::{Bytes, Payload},
};
use futures_util::TryStreamExt;

use super::{Analysis, AnalysisOptions, IMAGE, IMAGE_PATH, data_uri, missing_image, options::flag};
use crate::{
    intake::{
        IntakeError, body,
        buffer::{BufferError, ReservedBuffer},
        decoder::EncodedImage,
        memory_limit::Reservation,
        upload::form_error,
    },
    settings::LimitSettings,
};

/// Maximum length of an option in bytes.
const MAX_OPTION: usize = 1024;

/// Maximum number of parts. Each option reserves memory until the request ends.
const MAX_PARTS: usize = 32;

/// Reads a form: the part `img` is a file or a data URI, other parts are options.
///
/// # Errors
/// Returns an error for another form, without an image and over a limit.
pub(super) async fn read(
    request: &HttpRequest,
    payload: Payload,
    limits: &LimitSettings,
    reservation: &Reservation,
) -> Result<Analysis, IntakeError> {
    let max_body = limits.max_body;
    let payload = body::limited(request, payload, max_body)?;
    let mut form = Multipart::new(request.headers(), payload);
    let (mut image, mut options, mut parts) = (None, AnalysisOptions::default(), 0);
    while let Some(part) = form
        .try_next()
        .await
        .map_err(|error| form_error(error, max_body))?
    {
        parts += 1;
        if parts > MAX_PARTS {
            let detail = format!("multipart: more than {MAX_PARTS} parts");
            return Err(IntakeError::Invalid(detail));
        }
        match part.name() {
            Some(IMAGE | IMAGE_PATH) if image.is_some() => {
                let detail = "multipart: several images; send one image per request";
                return Err(IntakeError::Invalid(detail.to_owned()));
            }
            Some(IMAGE | IMAGE_PATH) => {
                let disposition = part.content_disposition();
                let is_file = disposition.is_some_and(|of| of.get_filename().is_some());
                let content = content(part, max_body, max_body, reservation).await?;
                image = Some(if is_file {
                    EncodedImage::Raw(content)
                } else {
                    data_uri(content)?
                });
            }
            _ => {
                let name = part.name().unwrap_or_default().to_owned();
                let value = content(part, MAX_OPTION, max_body, reservation).await?;
                set(&mut options, &name, &String::from_utf8_lossy(&value));
            }
        }
    }
    Ok(Analysis {
        image: image.ok_or_else(missing_image)?,
        options,
    })
}

/// Reads a part of up to `max` bytes.
async fn content(
    mut part: Field,
    max: usize,
    max_body: usize,
    reservation: &Reservation,
) -> Result<Bytes, IntakeError> {
    let mut content = ReservedBuffer::new(max, reservation.clone());
    while let Some(chunk) = part
        .try_next()
        .await
        .map_err(|error| form_error(error, max_body))?
    {
        content.append(&chunk).map_err(|error| {
            if let BufferError::TooLong { max } = error
                && max < max_body
            {
                return IntakeError::Invalid(format!(
                    "multipart: an option has more than {max} bytes; send the image as `{IMAGE}`"
                ));
            }
            body::buffer_error(&error, max_body)
        })?;
    }
    Ok(content.into_bytes().into())
}

/// Sets the option of a part.
fn set(options: &mut AnalysisOptions, name: &str, value: &str) {
    match name {
        "actions" => options.add_actions(value),
        "detector_backend" => options.set_detector(value),
        "enforce_detection" => options.enforce_detection = flag(value),
        "anti_spoofing" => options.anti_spoofing = flag(value),
        _ => {}
    }
}
