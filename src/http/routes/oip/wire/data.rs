//! Parses the elements of a tensor in JSON, nested or flat, in one pass into one list.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, SeqAccess, Visitor},
};

use crate::{intake::decoder::EncodedImage, oip::TensorData};

/// Maximum number of strings, because an empty string of three bytes takes 24 bytes of memory.
const MAX_STRINGS: usize = 1 << 16;

/// Elements of one kind.
#[derive(Debug, PartialEq)]
pub(super) enum Data {
    /// Numbers, or an empty list.
    Numbers(Vec<f64>),
    /// Strings.
    Strings(Vec<String>),
}

impl From<Data> for TensorData {
    fn from(data: Data) -> Self {
        match data {
            Data::Numbers(numbers) => Self::Numbers(numbers),
            Data::Strings(strings) => {
                Self::EncodedImages(strings.into_iter().map(EncodedImage::Base64).collect())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut data = Self::Numbers(Vec::new());
        deserializer.deserialize_seq(Collect(&mut data))?;
        Ok(data)
    }
}

impl Data {
    fn push_number<E: Error>(&mut self, number: f64) -> Result<(), E> {
        match self {
            Self::Numbers(numbers) => numbers.push(number),
            Self::Strings(_) => return Err(mixed()),
        }
        Ok(())
    }

    fn string<E: Error>(&mut self, string: String) -> Result<(), E> {
        match self {
            Self::Strings(strings) if strings.len() == MAX_STRINGS => {
                return Err(E::custom(format!("more than {MAX_STRINGS} strings")));
            }
            Self::Strings(strings) => strings.push(string),
            Self::Numbers(numbers) if numbers.is_empty() => *self = Self::Strings(vec![string]),
            Self::Numbers(_) => return Err(mixed()),
        }
        Ok(())
    }
}

fn mixed<E: Error>() -> E {
    E::custom("`data` contains both numbers and strings")
}

/// Appends an element, or all elements of an array, to a list.
struct Collect<'a>(&'a mut Data);

impl<'de> DeserializeSeed<'de> for Collect<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Collect<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("arrays of numbers, or of base64 strings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        while array.next_element_seed(Collect(self.0))?.is_some() {}
        Ok(())
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a number so large fits no datatype of a model"
    )]
    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.0.push_number(number as f64)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a number so large fits no datatype of a model"
    )]
    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.0.push_number(number as f64)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.0.push_number(number)
    }

    fn visit_str<E: Error>(self, string: &str) -> Result<(), E> {
        self.0.string(string.to_owned())
    }

    fn visit_string<E: Error>(self, string: String) -> Result<(), E> {
        self.0.string(string)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Data, MAX_STRINGS};

    fn read(json: &str) -> Result<Data, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn too_many_strings_are_rejected() {
        let strings = |count| read(&format!("[{}]", vec!["\"\""; count].join(",")));
        assert!(strings(MAX_STRINGS).is_ok());
        let error = strings(MAX_STRINGS + 1).unwrap_err();
        assert!(error.starts_with("more than 65536 strings"), "{error}");
    }

    #[test]
    fn nested_and_flat_arrays_are_equal() {
        let flat = Data::Numbers(vec![1.0, 2.0, 3.5, 4.0]);
        assert_eq!(read("[1, 2, 3.5, 4]"), Ok(flat));
        assert_eq!(read("[[[1], [2]], [[3.5], [4]]]"), read("[1, 2, 3.5, 4]"));
        let strings = Data::Strings(vec!["a".to_owned(), "\u{e9}\n".to_owned()]);
        assert_eq!(read(r#"[["a"], ["\u00e9\n"]]"#), Ok(strings));
        assert_eq!(read("[]"), Ok(Data::Numbers(Vec::new())));
    }

    #[test]
    fn other_values_are_rejected() {
        for wrong in [
            "1",
            "\"a\"",
            "null",
            "[null]",
            "[true]",
            "[{}]",
            "[1, \"a\"]",
            "[\"a\", 1]",
            "[1e999]",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(read(&format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))).is_err());
    }

    proptest! {
        #[test]
        fn float32_values_are_exact(values: Vec<f32>) {
            prop_assume!(values.iter().all(|value| value.is_finite()));
            // Python writes a float32 as the double of the same value with all digits.
            let doubles: Vec<f64> = values.iter().map(|&value| value.into()).collect();
            let Ok(Data::Numbers(read)) = read(&serde_json::to_string(&doubles).unwrap()) else {
                panic!("numbers are read");
            };
            #[expect(clippy::cast_possible_truncation, reason = "as for a float model")]
            let read: Vec<f32> = read.into_iter().map(|number| number as f32).collect();
            prop_assert_eq!(read, values);
        }
    }
}
