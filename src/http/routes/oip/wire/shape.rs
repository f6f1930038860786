//! The shape of a tensor.

use std::fmt;

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, SeqAccess, Unexpected, Visitor},
};

use crate::{
    json::{Items, unexpected_string},
    oip::MAX_DIMENSIONS,
};

/// Dimensions, the batch first.
#[derive(Debug, Default)]
pub(super) struct Shape(pub(super) Vec<i64>);

impl<'de> Items<'de> for Shape {
    const EXPECTED: &'static str = "a list of dimensions";

    fn read<A: SeqAccess<'de>>(&mut self, list: &mut A) -> Result<bool, A::Error> {
        let Some(dimension) = list.next_element_seed(Dimension)? else {
            return Ok(false);
        };
        if self.0.len() == MAX_DIMENSIONS {
            return Err(A::Error::custom(format_args!(
                "a shape has more than {MAX_DIMENSIONS} dimensions"
            )));
        }
        self.0.push(dimension);
        Ok(true)
    }
}

/// Reads a dimension.
struct Dimension;

impl<'de> DeserializeSeed<'de> for Dimension {
    type Value = i64;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<i64, D::Error> {
        value.deserialize_any(self)
    }
}

impl Visitor<'_> for Dimension {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a dimension (an integer of 64 bits)")
    }

    fn visit_i64<E: Error>(self, dimension: i64) -> Result<i64, E> {
        Ok(dimension)
    }

    fn visit_u64<E: Error>(self, dimension: u64) -> Result<i64, E> {
        i64::try_from(dimension)
            .map_err(|_| E::invalid_value(Unexpected::Unsigned(dimension), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<i64, E> {
        Err(unexpected_string(text, &self))
    }
}
