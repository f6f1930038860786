//! The columns of CSV and Parquet.

use std::borrow::Cow;

use super::Schema;
use crate::{
    cli::classify::{inputs::Frame, result::Row},
    inference::Probabilities,
};

/// Type of the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    Float,
    Double,
}

/// Value of a row in a column; `None` if it has none.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Text(Option<&'a str>),
    Integer(Option<u64>),
    Float(Option<f32>),
    Double(Option<f64>),
}

/// Returns names and types of the columns. The last column is never quoted in CSV, so that a row that was cut is recognised.
pub(super) fn columns(schema: &Schema) -> Vec<(Cow<'_, str>, Kind)> {
    let mut columns = vec![("file", Kind::Text)];
    if schema.video {
        columns.extend([
            ("frame", Kind::Integer),
            ("time", Kind::Double),
            ("track", Kind::Integer),
        ]);
    }
    if schema.faces {
        columns.extend(["face", "faces"].map(|name| (name, Kind::Integer)));
        columns.extend(["x", "y", "width", "height", "score"].map(|name| (name, Kind::Float)));
    }
    let labels = schema
        .labels
        .iter()
        .map(|label| (label.as_str(), Kind::Float));
    let prediction = [("label", Kind::Text), ("confidence", Kind::Float)];
    let prediction = prediction.into_iter().chain(labels);
    columns.extend(prediction.clone());
    let borrowed = |(name, kind)| (Cow::Borrowed(name), kind);
    let mut columns: Vec<_> = columns.into_iter().map(borrowed).collect();
    if schema.video {
        let smoothed = |(name, kind)| (format!("smoothed_{name}").into(), kind);
        columns.extend(prediction.map(smoothed));
    }
    columns.extend(["error", "model", "version"].map(|name| borrowed((name, Kind::Text))));
    columns
}

/// Returns the values of a row in the order of [`columns`].
pub(super) fn values<'a>(schema: &'a Schema, row: &Row<'a>) -> Vec<Value<'a>> {
    let mut values = vec![Value::Text(Some(row.file))];
    if schema.video {
        values.extend([
            Value::Integer(row.frame.map(|frame| frame.number)),
            Value::Double(row.frame.map(Frame::seconds)),
            Value::Integer(row.track.map(|track| track.id)),
        ]);
    }
    if schema.faces {
        let numbers = [row.face, row.faces].map(|number| number.map(|number| number as u64));
        values.extend(numbers.map(Value::Integer));
        let location = row.location.map(|(face_box, score)| {
            [
                face_box.x,
                face_box.y,
                face_box.width,
                face_box.height,
                score,
            ]
        });
        values.extend((0..5).map(|index| Value::Float(location.map(|values| values[index]))));
    }
    add_prediction(&mut values, schema, row.probabilities);
    if schema.video {
        let smoothed = row.track.map(|track| &track.smoothed);
        add_prediction(&mut values, schema, smoothed);
    }
    values.push(Value::Text(row.error));
    values.push(Value::Text(row.model.map(|id| id.model.as_str())));
    values.push(Value::Text(row.model.map(|id| id.version.as_str())));
    values
}

/// Adds the label, its probability and all probabilities.
fn add_prediction<'a>(
    values: &mut Vec<Value<'a>>,
    schema: &'a Schema,
    probabilities: Option<&Probabilities>,
) {
    let top = probabilities.map(Probabilities::top);
    let label = top.and_then(|(class, _)| schema.labels.get(class));
    values.push(Value::Text(label.map(String::as_str)));
    values.push(Value::Float(top.map(|(_, confidence)| confidence)));
    values.extend((0..schema.labels.len()).map(|class| {
        let probability = probabilities.and_then(|row| row.as_slice().get(class));
        Value::Float(probability.copied())
    }));
}
