//! Lists, element by element.

use std::fmt;

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, SeqAccess, Visitor},
};

use super::unexpected_string;

/// The elements of a list while they are read.
pub(crate) trait Items<'de> {
    /// Description of the list for errors.
    const EXPECTED: &'static str;

    /// Reads the next element and returns whether there was one.
    fn read<A: SeqAccess<'de>>(&mut self, list: &mut A) -> Result<bool, A::Error>;
}

/// Reads a list into its elements; `null` is `None`.
pub(crate) struct List<T>(pub(crate) T);

impl<'de, T: Items<'de>> DeserializeSeed<'de> for List<T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<Option<T>, D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de, T: Items<'de>> Visitor<'de> for List<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Option<T>, A::Error> {
        let Self(mut items) = self;
        while items.read(&mut list)? {}
        Ok(Some(items))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<T>, E> {
        Err(unexpected_string(text, &self))
    }

    fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }
}
