//! Parses the value of a parameter that is not null: a number, a boolean or a string. Other values are skipped, because a list of a million
//! numbers would take sixteen times the memory of its text.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::oip::Parameter;

/// The value of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalar {
    /// A 64-bit integer, signed or unsigned.
    Integer(i128),
    /// A boolean.
    Bool(bool),
    /// Another kind of value, with its description.
    Other(&'static str),
}

impl Scalar {
    /// Converts the value for the service.
    pub(super) fn parameter(&self) -> Parameter<'static> {
        match *self {
            Self::Integer(number) => Parameter::Integer(number),
            Self::Bool(_) => Parameter::Other("true or false"),
            Self::Other(what) => Parameter::Other(what),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value of a parameter")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
        Ok(Scalar::Integer(value.into()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Scalar, E> {
        Ok(Scalar::Other("a fraction"))
    }

    fn visit_str<E>(self, _: &str) -> Result<Scalar, E> {
        Ok(Scalar::Other("a string"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scalar, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other("an array or object"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other("an array or object"))
    }
}

#[cfg(test)]
mod tests {
    use super::Scalar;

    #[test]
    fn scalars_are_typed_and_lists_are_skipped() {
        for (json, expected) in [
            ("7", Scalar::Integer(7)),
            ("-7", Scalar::Integer(-7)),
            ("18446744073709551615", Scalar::Integer(u64::MAX.into())),
            ("true", Scalar::Bool(true)),
            ("0.5", Scalar::Other("a fraction")),
            ("\"a\"", Scalar::Other("a string")),
            ("[[1, 2], {\"a\": []}]", Scalar::Other("an array or object")),
            ("{\"a\": [1]}", Scalar::Other("an array or object")),
        ] {
            assert_eq!(
                serde_json::from_str::<Scalar>(json).unwrap(),
                expected,
                "{json}"
            );
        }
        assert!(serde_json::from_str::<Scalar>("[1, 2").is_err());
    }
}
