//! `mien evaluate`: how accurate a model is on a data set, without a server.

use std::{
    io::{self, Write},
    num::NonZeroUsize,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;
use clap::Args;
use mien_faces::dataset::{Dataset, Sample, Split};
use serde::Serialize;

use super::{INCOMPLETE, model::ModelArgs, progress, table};
use crate::{
    evaluation::{self, Evaluation, Finding, RunError},
    models::live::LiveModel,
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
    model: ModelArgs,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Output<'a> {
    model: &'a str,
    version: String,
    dataset: String,
    split: Split,
    limit: Option<NonZeroUsize>,
    report: Evaluation,
}

impl EvaluateArgs {
    /// Evaluates and prints the report to the standard output.
    ///
    /// # Errors
    /// When the data set or the model cannot be used, or the run fails.
    pub async fn run(&self) -> anyhow::Result<ExitCode> {
        let dataset = Arc::new(Dataset::open(&self.data)?);
        let all = dataset.required(self.split)?;
        let samples = match self.limit {
            Some(limit) => dataset.subset(self.split, limit.get()),
            None => all.to_vec(),
        };
        let model = self.model.load()?;

        let report = self.evaluate(&model, &dataset, &samples).await?.evaluation;
        let unreadable = report.unreadable.count;

        let mut out = io::stdout().lock();
        let (name, dataset) = (model.name.as_str(), self.data.display().to_string());
        if self.json {
            let (version, split, limit) = (model.version.to_string(), self.split, self.limit);
            let output = Output { model: name, version, dataset, split, limit, report };
            serde_json::to_writer_pretty(&mut out, &output).context("writing the report")?;
            writeln!(out)
        } else {
            let (version, split) = (model.version, self.split);
            writeln!(
                out,
                "{name}@{version} on {split} of {dataset}\n\n{}",
                table::evaluation(&report)
            )
        }
        .context("writing the report")?;
        Ok(if unreadable == 0 { ExitCode::SUCCESS } else { ExitCode::from(INCOMPLETE) })
    }

    /// The run, and beside it the search for test images that lie in train too.
    async fn evaluate(
        &self,
        model: &LiveModel,
        dataset: &Arc<Dataset>,
        samples: &[Sample],
    ) -> Result<Finding, RunError> {
        let bar = progress::bar(samples.len());
        let run = evaluation::run(model, samples, |done| progress::advance(&bar, done.images));
        let in_train = evaluation::test_in_train(Arc::clone(dataset));
        let finding = evaluation::leave_out(self.split, run, in_train).await;
        bar.finish_and_clear();
        finding
    }
}
