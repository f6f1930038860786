//! Objects, field by field.

use std::fmt;

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, Visitor},
};

use super::{Key, unexpected_string};

/// The fields of an object while they are read.
pub(crate) trait Fields<'de> {
    /// Description of the object for errors.
    const EXPECTED: &'static str;

    /// Reads the value of a field. An unknown field must be read too, as `IgnoredAny`.
    fn read<A: MapAccess<'de>>(&mut self, name: &str, value: &mut A) -> Result<(), A::Error>;
}

/// Reads an object into its fields; `null` is `None`.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Fields<'de>> DeserializeSeed<'de> for Object<T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<Option<T>, D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de, T: Fields<'de>> Visitor<'de> for Object<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<T>, A::Error> {
        let Self(mut fields) = self;
        while let Some(name) = map.next_key::<Key<'_>>()? {
            fields.read(name.as_str(), &mut map)?;
        }
        Ok(Some(fields))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<T>, E> {
        Err(unexpected_string(text, &self))
    }

    fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }
}

/// Stores the value of a field.
///
/// # Errors
/// Returns an error if the field has a value already.
pub(crate) fn set<T, E: Error>(
    field: &mut Option<T>,
    name: &'static str,
    value: Option<T>,
) -> Result<(), E> {
    if field.is_some() {
        return Err(E::duplicate_field(name));
    }
    *field = value;
    Ok(())
}
