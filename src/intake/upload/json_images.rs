//! Images as base64 in JSON.

use actix_web::web::Bytes;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess};

use crate::{
    excerpt::{Excerpt, parser_message},
    intake::{IntakeError, decoder::EncodedImage, json_text::Text, memory_limit::Reservation},
    json::{self, ElementLimits, Fields, Items, List, Object},
};

/// Parses a body with up to `max_images` images. The memory that parsing takes is reserved before.
///
/// # Errors
/// Returns an error for other JSON, for more images, and if the memory limit is exhausted.
pub(super) fn parse(
    body: &Bytes,
    max_images: usize,
    reservation: &Reservation,
) -> Result<Vec<EncodedImage>, IntakeError> {
    let limits = ElementLimits {
        numbers: 0,
        strings: max_images,
    };
    if !reservation.reserve(json::memory(body, limits)) {
        return Err(IntakeError::MemoryExhausted);
    }
    let images = read(body, max_images)
        .map_err(|error| IntakeError::Invalid(format!("JSON: {}", parser_message(&error))))?;
    if images.count > max_images {
        return Err(IntakeError::TooManyImages { max: max_images });
    }
    let images = images.list.into_iter().map(|text| text.into_bytes(body));
    Ok(images.map(EncodedImage::Base64).collect())
}

fn read(body: &[u8], max: usize) -> serde_json::Result<Images<'_>> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let upload = Object(Upload { images: None, max }).deserialize(&mut deserializer)?;
    deserializer.end()?;
    let images = upload.and_then(|upload| upload.images);
    images.ok_or_else(|| serde_json::Error::missing_field("images"))
}

/// The fields of the JSON.
struct Upload<'a> {
    images: Option<Images<'a>>,
    max: usize,
}

/// The images of the JSON.
struct Images<'a> {
    /// The first images, at most `max`.
    list: Vec<Text<'a>>,
    /// Number of all images.
    count: usize,
    max: usize,
}

impl<'de> Fields<'de> for Upload<'de> {
    const EXPECTED: &'static str = "an object with the field `images`";

    fn read<A: MapAccess<'de>>(&mut self, name: &str, value: &mut A) -> Result<(), A::Error> {
        if name != "images" {
            return Err(A::Error::custom(format_args!(
                "unknown field `{}`, expected `images`",
                Excerpt(name)
            )));
        }
        let images = Images {
            list: Vec::new(),
            count: 0,
            max: self.max,
        };
        let images = value.next_value_seed(List(images))?;
        json::set(&mut self.images, "images", images)
    }
}

impl<'de> Items<'de> for Images<'de> {
    const EXPECTED: &'static str = "a list of base64 strings";

    fn read<A: SeqAccess<'de>>(&mut self, list: &mut A) -> Result<bool, A::Error> {
        let Some(text) = list.next_element()? else {
            return Ok(false);
        };
        if self.count < self.max {
            self.list.push(text);
        }
        self.count += 1;
        Ok(true)
    }
}
