//! The formats of the output.

mod columns;
mod csv;
mod json;
mod parquet;
mod table;

use std::io::{self, Write};

use clap::ValueEnum;

use self::parquet::ParquetFile;
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
    /// Apache Parquet. The file is complete when the command ends.
    Parquet,
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
pub(super) struct ResultWriter<W: Write + Send> {
    output: Output<W>,
    schema: Schema,
}

enum Output<W: Write + Send> {
    Table(W),
    Csv(W),
    Jsonl(W),
    Json {
        out: W,
        /// Whether a result has been written.
        has_results: bool,
    },
    Parquet(Box<ParquetFile<W>>),
}

impl<W: Write + Send> ResultWriter<W> {
    /// Creates a writer. An output that is continued has its head already.
    ///
    /// # Errors
    /// Returns the errors of `out`.
    pub(super) fn new(
        mut out: W,
        format: Format,
        schema: Schema,
        is_continued: bool,
    ) -> io::Result<Self> {
        let output = match format {
            Format::Table => Output::Table(out),
            Format::Csv => {
                if !is_continued {
                    csv::header(&mut out, &schema)?;
                }
                Output::Csv(out)
            }
            Format::Jsonl => Output::Jsonl(out),
            Format::Json => {
                json::begin(&mut out, &schema)?;
                Output::Json {
                    out,
                    has_results: false,
                }
            }
            Format::Parquet => Output::Parquet(Box::new(ParquetFile::new(out, &schema)?)),
        };
        Ok(Self { output, schema })
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
        let schema = &self.schema;
        match &mut self.output {
            Output::Table(out) => {
                table::write(out, errors, schema, results)?;
                out.flush()
            }
            Output::Csv(out) => {
                csv::write(out, schema, results)?;
                out.flush()
            }
            Output::Jsonl(out) => {
                json::write_lines(out, schema, results)?;
                out.flush()
            }
            Output::Json { out, has_results } => {
                for result in results {
                    json::write_element(out, schema, result, !*has_results)?;
                    *has_results = true;
                }
                out.flush()
            }
            Output::Parquet(file) => file.write(schema, results),
        }
    }

    /// Writes the end of the output.
    ///
    /// # Errors
    /// Returns the errors of the output.
    pub(super) fn finish(self) -> io::Result<()> {
        match self.output {
            Output::Table(mut out) | Output::Csv(mut out) | Output::Jsonl(mut out) => out.flush(),
            Output::Json { mut out, .. } => {
                json::end(&mut out)?;
                out.flush()
            }
            Output::Parquet(file) => file.finish(),
        }
    }
}
