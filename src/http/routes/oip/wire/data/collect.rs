//! Collects the elements of a tensor up to the limits.

use std::{borrow::Cow, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, SeqAccess, Visitor},
};

use super::Elements;
use crate::json::ElementLimits;

/// Elements that were read so far.
pub(super) struct Collector<'a> {
    pub(super) elements: Elements<'a>,
    /// Number of all elements.
    pub(super) count: usize,
    limits: ElementLimits,
}

impl<'a> Collector<'a> {
    pub(super) fn new(limits: ElementLimits) -> Self {
        Self {
            elements: Elements::Numbers(Vec::new()),
            count: 0,
            limits,
        }
    }

    fn number<E: Error>(&mut self, number: f64) -> Result<(), E> {
        match &mut self.elements {
            Elements::Numbers(numbers) if numbers.len() < self.limits.numbers => {
                numbers.push(number);
            }
            Elements::Numbers(_) => {}
            Elements::Strings(_) => return Err(mixed()),
        }
        self.count += 1;
        Ok(())
    }

    fn string<E: Error>(&mut self, string: Cow<'a, str>) -> Result<(), E> {
        match &mut self.elements {
            Elements::Strings(strings) if strings.len() < self.limits.strings => {
                strings.push(string);
            }
            Elements::Strings(_) => {}
            Elements::Numbers(_) if self.count == 0 => {
                self.elements = Elements::Strings(vec![string]);
            }
            Elements::Numbers(_) => return Err(mixed()),
        }
        self.count += 1;
        Ok(())
    }
}

fn mixed<E: Error>() -> E {
    E::custom("`data` contains both numbers and strings")
}

/// Appends an element, or all elements of an array. Returns false for `null` in place of the whole tensor.
pub(super) struct Collect<'c, 'a> {
    pub(super) to: &'c mut Collector<'a>,
    /// Number of arrays around the value.
    pub(super) depth: usize,
}

impl Collect<'_, '_> {
    /// Rejects an element outside of an array.
    fn in_array<E: Error>(&self) -> Result<(), E> {
        if self.depth == 0 {
            return Err(E::custom(format_args!("invalid type: expected {self}")));
        }
        Ok(())
    }
}

impl fmt::Display for Collect<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("arrays of numbers, or of base64 strings")
    }
}

impl<'de> DeserializeSeed<'de> for Collect<'_, 'de> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Collect<'_, 'de> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<bool, A::Error> {
        let depth = self.depth + 1;
        let to = self.to;
        while array
            .next_element_seed(Collect {
                to: &mut *to,
                depth,
            })?
            .is_some()
        {}
        Ok(true)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a number so large fits no datatype of a model"
    )]
    fn visit_u64<E: Error>(self, number: u64) -> Result<bool, E> {
        self.visit_f64(number as f64)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a number so large fits no datatype of a model"
    )]
    fn visit_i64<E: Error>(self, number: i64) -> Result<bool, E> {
        self.visit_f64(number as f64)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<bool, E> {
        self.in_array()?;
        self.to.number(number).map(|()| true)
    }

    fn visit_borrowed_str<E: Error>(self, string: &'de str) -> Result<bool, E> {
        self.in_array()?;
        self.to.string(Cow::Borrowed(string)).map(|()| true)
    }

    fn visit_str<E: Error>(self, string: &str) -> Result<bool, E> {
        self.in_array()?;
        self.to.string(Cow::Owned(string.to_owned())).map(|()| true)
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        if self.depth > 0 {
            return Err(E::custom(format_args!(
                "invalid type: null, expected {self}"
            )));
        }
        Ok(false)
    }
}
