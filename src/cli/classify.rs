//! `mien classify`: labels image files without a server.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::Args;
use futures_util::{StreamExt, TryStreamExt, stream};
use mien_faces::image::{Limits, decode};
use serde::Serialize;

use super::{INCOMPLETE, model::ModelArgs, progress};
use crate::{batching::RequestOptions, inference::Probabilities, models::registry::LiveModel};

/// Flags of `mien classify`.
#[derive(Debug, Clone, Args)]
pub struct ClassifyArgs {
    /// Image files of faces: JPEG, PNG, WebP, BMP or GIF.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Print JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    model: ModelArgs,
}

/// The output of `--json`.
#[derive(Serialize)]
struct Output<'a> {
    model: &'a str,
    version: String,
    predictions: Vec<Prediction<'a>>,
}

/// The result of one file.
#[derive(Serialize)]
struct Prediction<'a> {
    file: String,
    #[serde(flatten)]
    result: Classified<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Classified<'a> {
    Success {
        label: &'a str,
        confidence: f32,
        probabilities: BTreeMap<&'a str, f32>,
    },
    Failure {
        error: String,
    },
}

impl ClassifyArgs {
    /// Classifies the files and prints one result per file to standard output, in the order of the files. Without `--json`, the
    /// reason of an unreadable file is printed to standard error.
    ///
    /// # Errors
    /// Returns an error if the model cannot be used or fails. An unreadable file is a result.
    pub async fn run(&self) -> anyhow::Result<ExitCode> {
        let model = self.model.load()?;
        let options = model.batcher.options();
        let at_once = (options.instances * options.max_batch).min(options.max_queue_size);
        let bar = progress::bar(self.files.len());
        let predictions: anyhow::Result<Vec<Prediction<'_>>> = stream::iter(&self.files)
            .map(|file| predict(&model, file))
            .buffered(at_once)
            .inspect(|_| progress::advance(&bar, 1))
            .try_collect()
            .await;
        bar.finish_and_clear();
        let predictions = predictions?;

        let failed = |p: &Prediction<'_>| matches!(p.result, Classified::Failure { .. });
        let code = if predictions.iter().any(failed) {
            INCOMPLETE
        } else {
            0
        };
        let mut out = io::stdout().lock();
        if self.json {
            let (name, version) = (model.name.as_str(), model.version.to_string());
            let output = Output {
                model: name,
                version,
                predictions,
            };
            serde_json::to_writer_pretty(&mut out, &output)
                .map_err(io::Error::from)
                .context("cannot write the results")?;
            writeln!(out).context("cannot write the results")?;
        } else {
            write_lines(&mut out, &mut io::stderr().lock(), &predictions)
                .context("cannot write the results")?;
        }
        Ok(ExitCode::from(code))
    }
}

/// Reads a file on a blocking thread and classifies it.
async fn predict<'a>(model: &'a LiveModel, file: &Path) -> anyhow::Result<Prediction<'a>> {
    let (path, side) = (file.to_owned(), model.signature.side);
    let read = move || {
        let bytes = fs::read(path).map_err(|error| error.to_string())?;
        let image = decode(&bytes, &Limits::default()).map_err(|error| error.to_string())?;
        Ok(image.to_face(side))
    };
    let result = match tokio::task::spawn_blocking(read)
        .await
        .context("the decoder panicked")?
    {
        Err(error) => Classified::Failure { error },
        Ok(face) => {
            let response = model
                .batcher
                .infer(vec![face.into()], RequestOptions::default())
                .await?;
            classified(model, &response.rows[0].probabilities)
        }
    };
    Ok(Prediction {
        file: file.display().to_string(),
        result,
    })
}

fn classified<'a>(model: &'a LiveModel, row: &Probabilities) -> Classified<'a> {
    let names = model.manifest.labels.names().iter().map(String::as_str);
    let (class, confidence) = row.top();
    Classified::Success {
        label: model.manifest.labels.get(class).unwrap_or_default(),
        confidence,
        probabilities: names.zip(row.as_slice().iter().copied()).collect(),
    }
}

/// Writes one line per file: label, confidence, file. Lines of unreadable files are written to `errors`.
fn write_lines(
    out: &mut impl Write,
    errors: &mut impl Write,
    predictions: &[Prediction<'_>],
) -> io::Result<()> {
    for Prediction { file, result } in predictions {
        match result {
            Classified::Success {
                label, confidence, ..
            } => {
                writeln!(out, "{label:10}{:6.2} %  {file}", 100.0 * confidence)?;
            }
            Classified::Failure { error } => writeln!(errors, "{file}: {error}")?,
        }
    }
    Ok(())
}
