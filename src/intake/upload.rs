//! Reads image files from the three kinds of bodies: raw, multipart and JSON.

mod json_images;

use actix_multipart::{Multipart, MultipartError};
use actix_web::{HttpMessage, HttpRequest, web::Payload};
use futures_util::TryStreamExt;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    IntakeError, body, buffer::ReservedBuffer, decoder::EncodedImage, memory_limit::Reservation,
};
use crate::{
    excerpt::{Excerpt, parser_message},
    json,
    settings::LimitSettings,
};

/// Name of the multipart field.
const FIELD: &str = "image";

/// Images as JSON.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "describes the JSON in the OpenAPI document; the JSON is read image by image"
)]
pub struct JsonImages {
    /// Image files as base64 (standard alphabet), each with or without ASCII whitespace and the prefix `data:...;base64,`.
    #[schema(example = json!(["iVBORw0KGgoAAAANSUhEUgAAADAAAAAwCAAAAAByaaZbAAAA..."]))]
    images: Vec<String>,
}

/// Images as a form.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "describes the form in the OpenAPI document; the form is read part by part"
)]
pub struct FormImages {
    /// One or more parts named `image`, each an image file.
    #[schema(content_media_type = "application/octet-stream")]
    image: Vec<String>,
}

/// Reads the image files of a request, at least one and at most `max_images`. Their bytes are reserved in `reservation`. The
/// files are not decoded.
///
/// # Errors
/// Returns an error for a body of another kind, over a limit, or with an invalid structure.
pub async fn read(
    request: &HttpRequest,
    payload: Payload,
    limits: &LimitSettings,
    reservation: Reservation,
) -> Result<Vec<EncodedImage>, IntakeError> {
    let kind = Kind::of(request)?;
    body::uncompressed(request)?;
    let max_body = limits.max_body;
    let collect = |payload| body::collect(request, payload, max_body, reservation.clone());
    let images = match kind {
        Kind::Image => vec![EncodedImage::Raw(collect(payload).await?)],
        Kind::Json => {
            let body = collect(payload).await?;
            let (length, max_images) = (body.len(), limits.max_images.get());
            let parse = move || json_images::parse(&body, max_images, &reservation);
            json::off_event_loop(length, parse).await??
        }
        Kind::Form => {
            let body = body::limited(request, payload, max_body)?;
            let form = Multipart::new(request.headers(), body);
            read_form(form, limits, &reservation).await?
        }
    };
    check_count(images.len(), limits)?;
    if images.is_empty() {
        let detail = format!("the request has no image; send at least one as `{FIELD}`");
        return Err(IntakeError::Invalid(detail));
    }
    Ok(images)
}

enum Kind {
    Image,
    Form,
    Json,
}

impl Kind {
    fn of(request: &HttpRequest) -> Result<Self, IntakeError> {
        let unsupported = |given: &str| {
            let detail = format!(
                "unsupported Content-Type {}; send one image as image/*, application/octet-stream \
                or without a type, several as multipart/form-data, or base64 as application/json",
                Excerpt(given)
            );
            Err(IntakeError::UnsupportedMediaType(detail))
        };
        let Ok(given) = request.mime_type() else {
            return unsupported("with this syntax");
        };
        let Some(given) = given else {
            return Ok(Self::Image);
        };
        match (given.type_(), given.subtype()) {
            (mime::IMAGE, _) | (mime::APPLICATION, mime::OCTET_STREAM) => Ok(Self::Image),
            (mime::MULTIPART, mime::FORM_DATA) => Ok(Self::Form),
            (mime::APPLICATION, mime::JSON) => Ok(Self::Json),
            (mime::APPLICATION, mime::WWW_FORM_URLENCODED) => {
                unsupported("application/x-www-form-urlencoded (curl's default)")
            }
            _ => unsupported(given.essence_str()),
        }
    }
}

async fn read_form(
    mut form: Multipart,
    limits: &LimitSettings,
    reservation: &Reservation,
) -> Result<Vec<EncodedImage>, IntakeError> {
    let failed = |error| form_error(error, limits.max_body);
    let mut images = Vec::new();
    while let Some(mut part) = form.try_next().await.map_err(failed)? {
        if part.name() != Some(FIELD) {
            let name = part.name().unwrap_or_default();
            let detail = format!(
                "multipart: unknown part `{}`; name image parts `{FIELD}`",
                Excerpt(name)
            );
            return Err(IntakeError::Invalid(detail));
        }
        check_count(images.len() + 1, limits)?;
        let mut file = ReservedBuffer::new(limits.max_body, reservation.clone());
        while let Some(chunk) = part.try_next().await.map_err(failed)? {
            file.append(&chunk)
                .map_err(|error| body::buffer_error(&error, limits.max_body))?;
        }
        images.push(EncodedImage::Raw(file.into_bytes().into()));
    }
    Ok(images)
}

/// Converts the error of a form that cannot be read.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is open")]
pub(super) fn form_error(error: MultipartError, max_body: usize) -> IntakeError {
    match error {
        MultipartError::Payload(error) => body::payload_error(&error, max_body),
        other => IntakeError::Invalid(format!("multipart: {}", parser_message(&other))),
    }
}

fn check_count(images: usize, limits: &LimitSettings) -> Result<(), IntakeError> {
    let max = limits.max_images.get();
    if images > max {
        return Err(IntakeError::TooManyImages { max });
    }
    Ok(())
}
