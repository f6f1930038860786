//! The formats of the output.

mod csv;
mod json;
mod table;

use std::io::{self, Write};

use clap::ValueEnum;

pub(super) use self::{csv::columns, json::StoredLine};
use super::result::{FileResult, ModelId};

/// A format of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// One line of text per file or face. Errors are written to standard error.
    Table,
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object per line.
    Jsonl,
    /// One JSON document. It is selected by --json.
    #[value(skip)]
    Json,
}

/// The properties that all rows of an output share.
#[derive(Debug, Clone)]
pub(super) struct Schema {
    /// Labels of the model, in the order of its probabilities.
    pub(super) labels: Vec<String>,
    /// Whether a row is a face in a photo.
    pub(super) faces: bool,
    /// Whether a row is a face in a frame of a video.
    pub(super) video: bool,
    /// The model of all rows, if it is known before the first result.
    pub(super) model: Option<ModelId>,
}

/// Writes results in a format.
pub(super) struct ResultWriter<W> {
    out: W,
    format: Format,
    schema: Schema,
    /// Whether a result has been written to a JSON document.
    has_results: bool,
}

impl<W: Write> ResultWriter<W> {
    /// Creates a writer. An output that is continued has its head already.
    ///
    /// # Errors
    /// Returns the errors of `out`.
    pub(super) fn new(
        out: W,
        format: Format,
        schema: Schema,
        is_continued: bool,
    ) -> io::Result<Self> {
        let mut writer = Self {
            out,
            format,
            schema,
            has_results: false,
        };
        if !is_continued {
            writer.begin()?;
        }
        Ok(writer)
    }

    fn begin(&mut self) -> io::Result<()> {
        let Self {
            out,
            format,
            schema,
            ..
        } = self;
        match format {
            Format::Csv => csv::header(out, schema),
            Format::Json => json::begin(out, schema),
            Format::Table | Format::Jsonl => Ok(()),
        }
    }

    /// Writes results. The errors of a table are written to `errors`.
    ///
    /// # Errors
    /// Returns the errors of the outputs.
    pub(super) fn write(
        &mut self,
        results: &[FileResult],
        errors: &mut impl Write,
    ) -> io::Result<()> {
        let Self { out, schema, .. } = self;
        match self.format {
            Format::Table => table::write(out, errors, schema, results)?,
            Format::Csv => csv::write(out, schema, results)?,
            Format::Jsonl => json::write_lines(out, schema, results)?,
            Format::Json => {
                for result in results {
                    json::write_element(out, schema, result, !self.has_results)?;
                    self.has_results = true;
                }
            }
        }
        self.out.flush()
    }

    /// Writes the end of the output.
    ///
    /// # Errors
    /// Returns the errors of the output.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if self.format == Format::Json {
            json::end(&mut self.out)?;
        }
        self.out.flush()
    }
}
