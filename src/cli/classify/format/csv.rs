//! Comma-separated values.

use std::{fmt::Display, io::Write};

use ::csv::{Writer, WriterBuilder};

use super::Schema;
use crate::cli::classify::result::{FileResult, Row};

/// Returns the names of the columns. The last column is never quoted, so that a row that was cut is recognised.
pub(in crate::cli::classify) fn columns(schema: &Schema) -> Vec<&str> {
    let mut columns = vec!["file"];
    if schema.faces {
        columns.extend(["face", "faces", "x", "y", "width", "height", "score"]);
    }
    columns.extend(["label", "confidence"]);
    columns.extend(schema.labels.iter().map(String::as_str));
    columns.extend(["error", "model", "version"]);
    columns
}

/// Writes the header line.
pub(super) fn header(out: &mut impl Write, schema: &Schema) -> std::io::Result<()> {
    let mut writer = writer(out);
    writer.write_record(columns(schema))?;
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
    let top = row.probabilities.map(|probabilities| probabilities.top());
    let label = top.and_then(|(class, _)| schema.labels.get(class));
    writer.write_field(label.map_or("", String::as_str))?;
    writer.write_field(text(top.map(|(_, confidence)| confidence)))?;
    for class in 0..schema.labels.len() {
        let probability = row.probabilities.and_then(|row| row.as_slice().get(class));
        writer.write_field(text(probability))?;
    }
    writer.write_field(row.error.unwrap_or_default())?;
    let model = row.model.map(|id| [&id.model, &id.version]);
    for part in 0..2 {
        writer.write_field(model.map_or("", |names| names[part]))?;
    }
    writer.write_record(None::<&[u8]>)
}

/// Returns the text of a value, or an empty one. Numbers read back bit for bit.
fn text(value: Option<impl Display>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
