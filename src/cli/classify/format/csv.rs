//! Comma-separated values.

use std::{borrow::Cow, fmt::Display, io::Write};

use ::csv::{Writer, WriterBuilder};

use super::Schema;
use crate::{
    cli::classify::{
        inputs::Frame,
        result::{FileResult, Row},
    },
    inference::Probabilities,
};

/// Returns the names of the columns. The last column is never quoted, so that a row that was cut is recognised.
pub(in crate::cli::classify) fn columns(schema: &Schema) -> Vec<Cow<'_, str>> {
    let mut columns = vec!["file"];
    if schema.video {
        columns.extend(["frame", "time", "track"]);
    }
    if schema.faces {
        columns.extend(["face", "faces", "x", "y", "width", "height", "score"]);
    }
    columns.extend(["label", "confidence"]);
    columns.extend(schema.labels.iter().map(String::as_str));
    let mut columns: Vec<_> = columns.into_iter().map(Cow::Borrowed).collect();
    if schema.video {
        let names = ["label", "confidence"].into_iter();
        let names = names.chain(schema.labels.iter().map(String::as_str));
        columns.extend(names.map(|name| format!("smoothed_{name}").into()));
    }
    columns.extend(["error", "model", "version"].map(Cow::Borrowed));
    columns
}

/// Writes the header line.
pub(super) fn header(out: &mut impl Write, schema: &Schema) -> std::io::Result<()> {
    let mut writer = writer(out);
    writer.write_record(columns(schema).iter().map(|name| name.as_bytes()))?;
    writer.flush()
}

/// Writes the rows of results.
pub(super) fn write(
    out: &mut impl Write,
    schema: &Schema,
    results: &[FileResult],
) -> std::io::Result<()> {
    let mut writer = writer(out);
    for result in results {
        for row in result.rows() {
            write_row(&mut writer, schema, &row)?;
        }
    }
    writer.flush()
}

fn writer<W: Write>(out: W) -> Writer<W> {
    WriterBuilder::new().has_headers(false).from_writer(out)
}

fn write_row(
    writer: &mut Writer<impl Write>,
    schema: &Schema,
    row: &Row<'_>,
) -> Result<(), ::csv::Error> {
    writer.write_field(row.file)?;
    if schema.video {
        writer.write_field(text(row.frame.map(|frame| frame.number)))?;
        writer.write_field(text(row.frame.map(Frame::seconds)))?;
        writer.write_field(text(row.track.map(|track| track.id)))?;
    }
    if schema.faces {
        writer.write_field(text(row.face))?;
        writer.write_field(text(row.faces))?;
        let location = row.location.map(|(face_box, score)| {
            [
                face_box.x,
                face_box.y,
                face_box.width,
                face_box.height,
                score,
            ]
        });
        for index in 0..5 {
            writer.write_field(text(location.map(|values| values[index])))?;
        }
    }
    write_prediction(writer, schema, row.probabilities)?;
    if schema.video {
        let smoothed = row.track.map(|track| &track.smoothed);
        write_prediction(writer, schema, smoothed)?;
    }
    writer.write_field(row.error.unwrap_or_default())?;
    let model = row.model.map(|id| [&id.model, &id.version]);
    for part in 0..2 {
        writer.write_field(model.map_or("", |names| names[part]))?;
    }
    writer.write_record(None::<&[u8]>)
}

/// Writes the label, its probability and all probabilities.
fn write_prediction(
    writer: &mut Writer<impl Write>,
    schema: &Schema,
    probabilities: Option<&Probabilities>,
) -> Result<(), ::csv::Error> {
    let top = probabilities.map(Probabilities::top);
    let label = top.and_then(|(class, _)| schema.labels.get(class));
    writer.write_field(label.map_or("", String::as_str))?;
    writer.write_field(text(top.map(|(_, confidence)| confidence)))?;
    for class in 0..schema.labels.len() {
        let probability = probabilities.and_then(|row| row.as_slice().get(class));
        writer.write_field(text(probability))?;
    }
    Ok(())
}

/// Returns the text of a value, or an empty one. Numbers read back bit for bit.
fn text(value: Option<impl Display>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
