//! Short strings: names, datatypes and identifiers.

use std::fmt;

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, Visitor},
};

/// Maximum length of a name in bytes.
const MAX_NAME: usize = 1024;

/// Reads a string of at most [`MAX_NAME`] bytes; `null` is `None`. A longer string is an error, because its copy would not count in
/// the memory limit.
pub(crate) struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<Option<String>, D::Error> {
        value.deserialize_any(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Option<String>, E> {
        if name.len() <= MAX_NAME {
            return Ok(Some(name.to_owned()));
        }
        let length = name.len();
        Err(E::custom(format_args!(
            "a name or identifier has {length} bytes; the maximum is {MAX_NAME}"
        )))
    }

    fn visit_unit<E: Error>(self) -> Result<Option<String>, E> {
        Ok(None)
    }
}
