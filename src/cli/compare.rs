//! `mien compare`: compares the predictions of two models on the same images without a server.

use std::{
    fs::File,
    io::{self, BufReader, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Args;
use mien_faces::report::{Comparison, Predictions, compare_with_groups, csv};
use serde::Serialize;

use super::{output::Output, table};
use crate::evaluation::report::{self, FaceImages, Side};

/// Flags of `mien compare`.
#[derive(Debug, Clone, Args)]
pub struct CompareArgs {
    /// Predictions of the first model.
    #[arg(value_name = "A.csv")]
    a: PathBuf,

    /// Predictions of the second model. Differences are the second minus the first.
    #[arg(value_name = "B.csv")]
    b: PathBuf,

    /// Print JSON in the format of `/v1/evaluations/compare`.
    #[arg(long)]
    json: bool,

    /// Also write the comparison as one HTML page.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Also write the comparison as Markdown.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

/// The output of `--json`.
#[derive(Serialize)]
struct EvaluationResponse<'a> {
    file_a: String,
    file_b: String,
    #[serde(flatten)]
    comparison: &'a Comparison,
}

impl CompareArgs {
    /// Compares the files and prints the result to standard output.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read or does not contain predictions, or if the two files have no image in common or
    /// disagree about a label.
    pub fn run(&self) -> anyhow::Result<()> {
        let html = Output::open_optional(self.html.as_ref())?;
        let markdown = Output::open_optional(self.markdown.as_ref())?;
        let (of_a, of_b) = (read(&self.a)?, read(&self.b)?);
        let (file_a, file_b) = (self.a.display().to_string(), self.b.display().to_string());
        let comparison = compare_with_groups(&of_a, &of_b)
            .with_context(|| format!("`{file_a}` and `{file_b}` cannot be compared"))?;

        let [a, b] = [&file_a, &file_b].map(|name| Side {
            name: name.clone(),
            subject: None,
        });
        if let Some(output) = html {
            let page = report::comparison_html(&a, &b, &comparison, &FaceImages::default());
            output.write(page.as_bytes())?;
        }
        if let Some(output) = markdown {
            output.write(report::comparison_markdown(&a, &b, &comparison).as_bytes())?;
        }
        let mut out = io::stdout().lock();
        if self.json {
            let document = EvaluationResponse {
                file_a,
                file_b,
                comparison: &comparison,
            };
            serde_json::to_writer_pretty(&mut out, &document)
                .map_err(io::Error::from)
                .context("cannot write the comparison")?;
            writeln!(out)
        } else {
            write!(out, "{}", table::comparison(&file_a, &file_b, &comparison))
        }
        .context("cannot write the comparison")
    }
}

/// Reads the predictions and groups of a file.
///
/// # Errors
/// Returns an error if the file cannot be read or does not contain predictions.
pub(super) fn read(path: &Path) -> anyhow::Result<Predictions> {
    let name = path.display();
    let file = File::open(path)
        .with_context(|| format!("cannot read `{name}`; check that it exists and is readable"))?;
    csv::read(BufReader::new(file))
        .with_context(|| format!("`{name}` does not contain predictions"))
}
