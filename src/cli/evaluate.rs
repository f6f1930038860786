//! `mien evaluate`: measures the accuracy of a model on a data set without a server.

mod gate;

use std::{
    collections::HashMap,
    io::{self, Write},
    num::NonZeroUsize,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;
use clap::Args;
use mien_faces::{
    dataset::{Dataset, Sample, Split},
    report::{Predictions, csv},
};
use serde::Serialize;

use self::gate::GateArgs;
use super::{INCOMPLETE, REJECTED, model::ModelArgs, output::Output, progress, table};
use crate::{
    evaluation::{
        self, Evaluation, EvaluationResult, RunError,
        report::{self, FaceImages, Subject},
    },
    models::live::LiveModel,
    settings::parse,
    timestamp::Timestamp,
};

/// Flags of `mien evaluate`.
#[derive(Debug, Clone, Args)]
pub struct EvaluateArgs {
    /// Data set: a directory with `{train,test}/CLASS/*`, or a `fer2013.csv` file.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,

    /// Split of the data set: test (all test images), train, PublicTest or PrivateTest.
    #[arg(long, value_name = "SPLIT", default_value = "test")]
    split: Split,

    /// Maximum number of images. The same images are chosen each time, every class in proportion.
    #[arg(long, value_name = "COUNT", value_parser = parse::number::<10_000_000>)]
    limit: Option<NonZeroUsize>,

    /// Print JSON in the format of `/v1/evaluations`.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    files: Files,

    #[command(flatten)]
    gate: GateArgs,

    #[command(flatten)]
    model: ModelArgs,
}

/// Files to write.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Files")]
struct Files {
    /// Write the report as one HTML page with charts, tables and the faces of the most confident mistakes.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Write the report as Markdown.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,

    /// Write the predictions as CSV for `mien compare`.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

/// The output of `--json`.
#[derive(Serialize)]
struct EvaluationResponse<'a> {
    model: &'a str,
    version: &'a str,
    sha256: &'a str,
    engine: &'a str,
    precision: &'a str,
    dataset: &'a str,
    split: Split,
    dataset_sha256: Option<&'a str>,
    limit: Option<usize>,
    report: &'a Evaluation,
}

impl EvaluateArgs {
    /// Evaluates the model, prints the report to standard output and writes the files.
    ///
    /// # Errors
    /// Returns an error if a file cannot be written, the data set or the model cannot be used, or the evaluation fails.
    pub async fn run(&self) -> anyhow::Result<ExitCode> {
        let (outputs, gate) = (self.files.open()?, self.gate.open()?);
        let dataset = Arc::new(Dataset::open(&self.data)?);
        let left_out = dataset.left_out();
        if !left_out.is_empty() {
            tracing::warn!(%left_out, "the data set has files that are not listed");
        }
        let all = dataset.required(self.split)?;
        let samples = match self.limit {
            Some(limit) => dataset.subset(self.split, limit.get()),
            None => all.to_vec(),
        };
        let model = self.model.load(self.model.runtime()?, None)?;
        // If a file cannot be read there is no fingerprint, and the evaluation reports the file.
        let dataset_sha256 = dataset.fingerprint(self.split).ok();
        let result = self.evaluate(&model, &dataset, &samples).await?;

        let subject = self.subject(&model, dataset_sha256);
        outputs.write(&subject, &result, &samples)?;
        self.print(&subject, &result.evaluation)
            .context("cannot write the report")?;
        let violations = gate.violations(&result)?;
        let mut errors = io::stderr().lock();
        for violation in &violations {
            writeln!(errors, "mien: {violation}").context("cannot write to standard error")?;
        }
        let is_complete = result.evaluation.unreadable.count == 0;
        Ok(match (violations.is_empty(), is_complete) {
            (false, _) => ExitCode::from(REJECTED),
            (true, false) => ExitCode::from(INCOMPLETE),
            (true, true) => ExitCode::SUCCESS,
        })
    }

    /// Evaluates the model, then searches for test images that are also in train.
    async fn evaluate(
        &self,
        model: &LiveModel,
        dataset: &Arc<Dataset>,
        samples: &[Sample],
    ) -> Result<EvaluationResult, RunError> {
        let bar = progress::bar(samples.len());
        let run = evaluation::run(model, dataset, samples, |done| {
            progress::advance(&bar, done.images)
        });
        let in_train = evaluation::test_in_train(Arc::clone(dataset));
        let result = evaluation::score_without_duplicates(self.split, run, in_train).await;
        bar.finish_and_clear();
        result
    }

    fn subject(&self, model: &LiveModel, dataset_sha256: Option<String>) -> Subject {
        Subject {
            model: model.name.clone(),
            version: model.version.to_string(),
            sha256: model.sha256.clone(),
            engine: model.execution.engine.name().to_owned(),
            precision: model.execution.precision.name().to_owned(),
            dataset: self.data.display().to_string(),
            split: self.split,
            limit: self.limit.map(NonZeroUsize::get),
            dataset_sha256,
            finished: Some(Timestamp::now()),
            id: None,
            request_id: None,
            notice: None,
        }
    }

    fn print(&self, subject: &Subject, report: &Evaluation) -> io::Result<()> {
        let Subject {
            model,
            version,
            sha256,
            engine,
            precision,
            dataset,
            split,
            limit,
            dataset_sha256,
            ..
        } = subject;
        let mut out = io::stdout().lock();
        if self.json {
            let (split, limit, dataset_sha256) = (*split, *limit, dataset_sha256.as_deref());
            let document = EvaluationResponse {
                model,
                version,
                sha256,
                engine,
                precision,
                dataset,
                split,
                dataset_sha256,
                limit,
                report,
            };
            serde_json::to_writer_pretty(&mut out, &document)?;
            return writeln!(out);
        }
        let table = table::evaluation(report);
        writeln!(out, "{model}@{version} on {split} of {dataset}\n\n{table}")
    }
}

impl Files {
    /// Checks that all files can be written before the evaluation.
    fn open(&self) -> anyhow::Result<Outputs> {
        Ok(Outputs {
            html: Output::open_optional(self.html.as_ref())?,
            markdown: Output::open_optional(self.markdown.as_ref())?,
            csv: Output::open_optional(self.csv.as_ref())?,
        })
    }
}

/// The opened files.
struct Outputs {
    html: Option<Output>,
    markdown: Option<Output>,
    csv: Option<Output>,
}

impl Outputs {
    fn write(
        self,
        subject: &Subject,
        result: &EvaluationResult,
        samples: &[Sample],
    ) -> anyhow::Result<()> {
        let evaluation = &result.evaluation;
        if let Some(output) = self.html {
            let by_id: HashMap<_, _> = samples.iter().map(|sample| (sample.id(), sample)).collect();
            let find = |id: &str| by_id.get(id).copied().cloned();
            let faces = FaceImages::of_evaluation(evaluation, find);
            output.write(report::html(subject, evaluation, &faces).as_bytes())?;
        }
        if let Some(output) = self.markdown {
            output.write(report::markdown(subject, evaluation).as_bytes())?;
        }
        if let Some(output) = self.csv {
            let mut lines = Vec::new();
            let Predictions { images, groupings } = &result.predictions;
            csv::write(&mut lines, images, 0, groupings)?;
            output.write(&lines)?;
        }
        Ok(())
    }
}
