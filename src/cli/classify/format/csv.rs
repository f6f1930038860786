//! Comma-separated values.

use std::{
    borrow::Cow,
    fmt::Display,
    io::{self, Write},
};

use ::csv::{Writer, WriterBuilder};

use super::{
    Schema,
    columns::{self, Value},
};
use crate::cli::classify::result::FileResult;

/// Returns the names of the columns.
pub(in crate::cli::classify) fn columns(schema: &Schema) -> Vec<Cow<'_, str>> {
    let columns = columns::columns(schema).into_iter();
    columns.map(|(name, _)| name).collect()
}

/// Writes the header line.
pub(super) fn header(out: &mut impl Write, schema: &Schema) -> io::Result<()> {
    let mut writer = writer(out);
    writer.write_record(columns(schema).iter().map(|name| name.as_bytes()))?;
    writer.flush()
}

/// Writes the rows of results.
pub(super) fn write(
    out: &mut impl Write,
    schema: &Schema,
    results: &[FileResult],
) -> io::Result<()> {
    let mut writer = writer(out);
    for row in results.iter().flat_map(FileResult::rows) {
        for value in columns::values(schema, &row) {
            writer.write_field(&*text(value))?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.flush()
}

fn writer<W: Write>(out: W) -> Writer<W> {
    WriterBuilder::new().has_headers(false).from_writer(out)
}

/// Returns the text of a value, or an empty one. Numbers read back bit for bit.
fn text(value: Value<'_>) -> Cow<'_, str> {
    fn number<'a>(number: Option<impl Display>) -> Cow<'a, str> {
        number.map_or(Cow::Borrowed(""), |number| number.to_string().into())
    }
    match value {
        Value::Text(text) => text.unwrap_or_default().into(),
        Value::Integer(value) => number(value),
        Value::Float(value) => number(value),
        Value::Double(value) => number(value),
    }
}
