//! Parses the elements of a tensor in JSON, nested or flat, in one pass into one list. Strings without escape sequences are
//! slices of the JSON.

mod collect;

use std::borrow::Cow;

use actix_web::web::Bytes;
use serde::{Deserializer, de::DeserializeSeed};

use self::collect::{Collect, Collector};
use crate::{intake::decoder::EncodedImage, json::ElementLimits, oip::TensorData};

/// Elements of one kind.
#[derive(Debug, PartialEq)]
enum Elements<'a> {
    /// Numbers, or an empty list.
    Numbers(Vec<f64>),
    /// Strings.
    Strings(Vec<Cow<'a, str>>),
}

/// The elements of a tensor.
#[derive(Debug, PartialEq)]
pub(super) struct Data<'a> {
    /// The first elements, as many as the limits allow.
    elements: Elements<'a>,
    /// Number of all elements.
    count: usize,
}

impl Data<'_> {
    /// Converts the elements for the service. `body` contains the JSON.
    pub(super) fn into_tensor(self, body: &Bytes) -> TensorData {
        let image = |text: Cow<'_, str>| match text {
            Cow::Borrowed(text) => body.slice_ref(text.as_bytes()),
            Cow::Owned(text) => text.into(),
        };
        let Self { elements, count } = self;
        match elements {
            Elements::Numbers(numbers) if numbers.len() == count => TensorData::Numbers(numbers),
            Elements::Strings(strings) if strings.len() == count => {
                let images = strings.into_iter().map(image).map(EncodedImage::Base64);
                TensorData::EncodedImages(images.collect())
            }
            Elements::Numbers(_) => TensorData::ExcessNumbers(count),
            Elements::Strings(_) => TensorData::ExcessImages(count),
        }
    }
}

/// Reads the elements of a tensor; `null` is `None`.
#[derive(Debug)]
pub(super) struct DataReader(pub(super) ElementLimits);

impl<'de> DeserializeSeed<'de> for DataReader {
    type Value = Option<Data<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<Self::Value, D::Error> {
        let mut collector = Collector::new(self.0);
        let all = Collect {
            to: &mut collector,
            depth: 0,
        };
        let is_set = all.deserialize(value)?;
        let Collector {
            elements, count, ..
        } = collector;
        Ok(is_set.then_some(Data { elements, count }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_up_to(limit: usize, json: &str) -> Result<TensorData, String> {
        let body = Bytes::copy_from_slice(json.as_bytes());
        let mut deserializer = serde_json::Deserializer::from_slice(&body);
        let limits = ElementLimits {
            numbers: limit,
            strings: limit,
        };
        let data = DataReader(limits)
            .deserialize(&mut deserializer)
            .map_err(|error| error.to_string())?;
        Ok(data.ok_or("null")?.into_tensor(&body))
    }

    fn read(json: &str) -> Result<TensorData, String> {
        read_up_to(1_000_000, json)
    }

    fn strings(strings: &[&str]) -> TensorData {
        let image = |text: &&str| EncodedImage::Base64(Bytes::copy_from_slice(text.as_bytes()));
        TensorData::EncodedImages(strings.iter().map(image).collect())
    }

    #[test]
    fn elements_over_limit_are_counted() {
        let (numbers, texts) = ("[1, [2], 3]", r#"["a", ["b", "c"]]"#);
        assert_eq!(read_up_to(2, numbers), Ok(TensorData::ExcessNumbers(3)));
        assert_eq!(read_up_to(2, texts), Ok(TensorData::ExcessImages(3)));
        assert_eq!(read_up_to(3, numbers), read(numbers));
        assert_eq!(read_up_to(3, texts), Ok(strings(&["a", "b", "c"])));
    }

    #[test]
    fn nested_and_flat_arrays_are_equal() {
        let flat = TensorData::Numbers(vec![1.0, 2.0, 3.5, 4.0]);
        assert_eq!(read("[1, 2, 3.5, 4]"), Ok(flat));
        assert_eq!(read("[[[1], [2]], [[3.5], [4]]]"), read("[1, 2, 3.5, 4]"));
        let expected = strings(&["a", "\u{e9}\n"]);
        assert_eq!(read(r#"[["a"], ["\u00e9\n"]]"#), Ok(expected));
        assert_eq!(read("[]"), Ok(TensorData::Numbers(Vec::new())));
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
            let Ok(TensorData::Numbers(read)) = read(&serde_json::to_string(&doubles).unwrap()) else {
                panic!("numbers are read");
            };
            #[expect(clippy::cast_possible_truncation, reason = "as for a float model")]
            let read: Vec<f32> = read.into_iter().map(|number| number as f32).collect();
            prop_assert_eq!(read, values);
        }
    }
}
