//! The JSON of an analysis.

use std::fmt;

use actix_web::web::Bytes;
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{Analysis, AnalysisOptions, IMAGE, IMAGE_PATH, data_uri, missing_image, options::flag};
use crate::{
    excerpt::parser_message,
    intake::{IntakeError, json_text::Text, memory_limit::Reservation},
    json::{self, ElementLimits, Fields, Name, Object},
};

/// Parses a body. The memory that parsing takes is reserved before.
///
/// # Errors
/// Returns an error for other JSON, without an image, and if the memory limit is exhausted.
pub(super) fn parse(body: &Bytes, reservation: &Reservation) -> Result<Analysis, IntakeError> {
    let limits = ElementLimits {
        numbers: 0,
        strings: 1,
    };
    if !reservation.reserve(json::memory(body, limits)) {
        return Err(IntakeError::MemoryExhausted);
    }
    let Body { image, options } = read(body)
        .map_err(|error| IntakeError::Invalid(format!("JSON: {}", parser_message(&error))))?;
    let image = image.ok_or_else(missing_image)?;
    Ok(Analysis {
        image: data_uri(image.into_bytes(body))?,
        options,
    })
}

fn read(body: &[u8]) -> serde_json::Result<Body<'_>> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let body = Object(Body::default()).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(body.unwrap_or_default())
}

/// The fields of the JSON. Fields that do not apply to mien are ignored, as deepface ignores unknown fields.
#[derive(Default)]
struct Body<'a> {
    image: Option<Text<'a>>,
    options: AnalysisOptions,
}

impl<'de> Fields<'de> for Body<'de> {
    const EXPECTED: &'static str = "an object with the field `img`";

    fn read<A: MapAccess<'de>>(&mut self, name: &str, value: &mut A) -> Result<(), A::Error> {
        let options = &mut self.options;
        match name {
            IMAGE | IMAGE_PATH => {
                let text = Some(value.next_value()?);
                return json::set(&mut self.image, IMAGE, text);
            }
            "actions" => value.next_value_seed(Actions(options))?,
            "detector_backend" => {
                if let Some(name) = value.next_value_seed(Name)? {
                    options.set_detector(&name);
                }
            }
            "enforce_detection" => {
                let default = options.enforce_detection;
                options.enforce_detection = value.next_value_seed(Flag)?.unwrap_or(default);
            }
            "anti_spoofing" => {
                let default = options.anti_spoofing;
                options.anti_spoofing = value.next_value_seed(Flag)?.unwrap_or(default);
            }
            _ => {
                value.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Reads one or several actions into the options.
struct Actions<'a>(&'a mut AnalysisOptions);

impl<'de> DeserializeSeed<'de> for Actions<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Actions<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of actions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(action) = list.next_element_seed(Name)? {
            self.0.add_actions(&action.unwrap_or_default());
        }
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if let Some(actions) = Name.visit_str(text)? {
            self.0.add_actions(&actions);
        }
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Reads a boolean, or its text; `null` is `None`.
struct Flag;

impl<'de> DeserializeSeed<'de> for Flag {
    type Value = Option<bool>;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<Option<bool>, D::Error> {
        value.deserialize_any(self)
    }
}

impl Visitor<'_> for Flag {
    type Value = Option<bool>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true or false")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Option<bool>, E> {
        Ok(Some(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<bool>, E> {
        Ok(Some(flag(text)))
    }

    fn visit_unit<E: Error>(self) -> Result<Option<bool>, E> {
        Ok(None)
    }
}
