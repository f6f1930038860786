//! `mien evaluate`: how accurate a model is on a data set, without a server.

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
    report::csv,
};
use serde::Serialize;

use super::{INCOMPLETE, model::ModelArgs, output::Output, progress, table};
use crate::{
    evaluation::{
        self, Evaluation, EvaluationResult, RunError,
        report::{self, Pictures, Subject},
    },
    models::live::LiveModel,
    store::now,
};

/// Flags of `mien evaluate`.
#[derive(Debug, Clone, Args)]
pub struct EvaluateArgs {
    /// The data set: a folder with `{train,test}/CLASS/*`, or a `fer2013.csv`.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,

    /// Which images: test (all of them), train, PublicTest or PrivateTest.
    #[arg(long, value_name = "SPLIT", default_value = "test")]
    split: Split,

    /// At most so many images: the same ones each time, every class in proportion.
    #[arg(long, value_name = "COUNT")]
    limit: Option<NonZeroUsize>,

    /// Print JSON: the report as `/v1/evaluations` gives it.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    files: Files,

    #[command(flatten)]
    model: ModelArgs,
}

/// What is written beside what is printed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Files")]
struct Files {
    /// Write the report as one HTML page: charts, tables and the faces of the worst mistakes.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Write the report as Markdown.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,

    /// Write the prediction of each image as CSV, for `mien compare`.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

/// What `--json` prints.
#[derive(Serialize)]
struct EvaluationResponse<'a> {
    model: &'a str,
    version: &'a str,
    sha256: &'a str,
    dataset: &'a str,
    split: Split,
    dataset_sha256: Option<&'a str>,
    limit: Option<usize>,
    report: &'a Evaluation,
}

impl EvaluateArgs {
    /// Evaluates, prints the report to the standard output and writes the files.
    ///
    /// # Errors
    /// When a file cannot be written, the data set or the model cannot be used, or the run fails.
    pub async fn run(&self) -> anyhow::Result<ExitCode> {
        let outputs = self.files.open()?;
        let dataset = Arc::new(Dataset::open(&self.data)?);
        let all = dataset.required(self.split)?;
        let samples = match self.limit {
            Some(limit) => dataset.subset(self.split, limit.get()),
            None => all.to_vec(),
        };
        let model = self.model.load()?;
        // Where a file cannot be read there is none, and the run tells of it.
        let dataset_sha256 = dataset.fingerprint(self.split).ok();
        let finding = self.evaluate(&model, &dataset, &samples).await?;

        let subject = self.subject(&model, dataset_sha256);
        outputs.write(&subject, &finding, &samples)?;
        self.print(&subject, &finding.evaluation).context("writing the report")?;
        let is_complete = finding.evaluation.unreadable.count == 0;
        Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::from(INCOMPLETE) })
    }

    /// The run, and after it the search for test images that lie in train too.
    async fn evaluate(
        &self,
        model: &LiveModel,
        dataset: &Arc<Dataset>,
        samples: &[Sample],
    ) -> Result<EvaluationResult, RunError> {
        let bar = progress::bar(samples.len());
        let run = evaluation::run(model, samples, |done| progress::advance(&bar, done.images));
        let in_train = evaluation::test_in_train(Arc::clone(dataset));
        let finding = evaluation::score_without_duplicates(self.split, run, in_train).await;
        bar.finish_and_clear();
        finding
    }

    fn subject(&self, model: &LiveModel, dataset_sha256: Option<String>) -> Subject {
        Subject {
            model: model.name.clone(),
            version: model.version.to_string(),
            sha256: model.sha256.clone(),
            dataset: self.data.display().to_string(),
            split: self.split,
            limit: self.limit.map(NonZeroUsize::get),
            dataset_sha256,
            finished: Some(now()),
            id: None,
            request_id: None,
        }
    }

    fn print(&self, subject: &Subject, report: &Evaluation) -> io::Result<()> {
        let Subject { model, version, sha256, dataset, split, limit, dataset_sha256, .. } = subject;
        let mut out = io::stdout().lock();
        if self.json {
            let (split, limit, dataset_sha256) = (*split, *limit, dataset_sha256.as_deref());
            let document = EvaluationResponse {
                model,
                version,
                sha256,
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
    /// Makes sure that all can be written, before the work.
    fn open(&self) -> anyhow::Result<Outputs> {
        Ok(Outputs {
            html: Output::wanted(self.html.as_ref())?,
            markdown: Output::wanted(self.markdown.as_ref())?,
            csv: Output::wanted(self.csv.as_ref())?,
        })
    }
}

/// The files that will be written.
struct Outputs {
    html: Option<Output>,
    markdown: Option<Output>,
    csv: Option<Output>,
}

impl Outputs {
    fn write(
        self,
        subject: &Subject,
        finding: &EvaluationResult,
        samples: &[Sample],
    ) -> anyhow::Result<()> {
        let evaluation = &finding.evaluation;
        if let Some(output) = self.html {
            let by_id: HashMap<_, _> = samples.iter().map(|sample| (sample.id(), sample)).collect();
            let find = |id: &str| by_id.get(id).copied().cloned();
            let pictures = Pictures::of_evaluation(evaluation, find);
            output.write(report::html(subject, evaluation, &pictures).as_bytes())?;
        }
        if let Some(output) = self.markdown {
            output.write(report::markdown(subject, evaluation).as_bytes())?;
        }
        if let Some(output) = self.csv {
            let mut lines = Vec::new();
            csv::write(&mut lines, &finding.predictions, true)?;
            output.write(&lines)?;
        }
        Ok(())
    }
}
