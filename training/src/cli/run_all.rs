//! `mien-train run-all`

use std::{io::Write, path::PathBuf, process::ExitCode, time::Duration};

use mien_faces::dataset::{Dataset, Split};

use crate::{
    plan::{
        Layout, Plan, Processor,
        execute::{self, Settings},
        schedule::{self, Step},
        state, summary,
    },
    train::trainer::Outcome,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The plan: a TOML file with one [[run]] table per run.
    plan: PathBuf,
    /// The data set: a folder with train/<class>/ or fer2013.csv.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The folder that contains runs/ and models/; paths in the plan's exports and in recipes are relative to it
    /// [default: the working directory].
    #[arg(long, value_name = "DIR", default_value_os_t = PathBuf::new(), hide_default_value = true)]
    root: PathBuf,
    /// Train only this run and the runs that it depends on.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Print the schedule and whether all requirements are met, without training or writing files.
    #[arg(long)]
    dry_run: bool,
    /// Number of threads. The same number is needed to reproduce a run exactly.
    #[arg(long, default_value_t = super::cores(), value_parser = super::at_least_one)]
    threads: usize,
    /// Maximum time between two checkpoints, in seconds.
    #[arg(long, default_value_t = 60.0, value_parser = super::not_negative)]
    save_every: f64,
}

impl Args {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let mut plan = Plan::read(&self.plan)?;
        if let Some(name) = &self.only {
            plan = plan.only(name)?;
        }
        let layout = Layout::new(self.root.clone());
        let data_sha256 = Dataset::open(&self.data)?.fingerprint(Split::Train)?;
        let states = plan
            .runs()
            .iter()
            .map(|run| state::inspect(run, &layout, &data_sha256));
        let states = states.collect::<Result<Vec<_>, _>>()?;
        let steps = schedule::schedule(&plan, &states)?;
        let processor = Processor::here();
        if self.dry_run {
            return show(&plan, &steps, &layout, &processor);
        }
        schedule::check_requirements(&steps, &processor)?;
        tch::set_num_threads(i32::try_from(self.threads)?);
        let settings = Settings {
            data: self.data,
            data_sha256,
            layout,
            threads: self.threads,
            save_every: Duration::from_secs_f64(self.save_every),
            interrupted: super::interrupted_flag()?,
        };
        let outcome = execute::execute(&plan, &steps, &settings)?;
        let table = settings.layout.runs().join(summary::MARKDOWN);
        match outcome {
            Outcome::Finished => {
                eprintln!(
                    "all runs are finished; the results are in {}",
                    table.display()
                );
                Ok(ExitCode::SUCCESS)
            }
            Outcome::Interrupted => {
                eprintln!("saved; the same command resumes the plan");
                Ok(ExitCode::from(super::INTERRUPTED))
            }
        }
    }
}

/// Prints the steps, and the INT8 files and ensembles that will be written. Returns an error if a requirement is not met.
fn show(
    plan: &Plan,
    steps: &[Step],
    layout: &Layout,
    processor: &Processor,
) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    for (index, step) in steps.iter().enumerate() {
        writeln!(
            out,
            "[{}/{}] {}",
            index + 1,
            steps.len(),
            execute::describe(step)
        )?;
    }
    for file in plan.int8().iter().filter(|file| !file.is_current(layout)) {
        let (model, path) = (file.model.display(), file.path.display());
        writeln!(out, "quantise {model} to {path}")?;
    }
    let ensembles = plan.ensembles().iter();
    for ensemble in ensembles.filter(|ensemble| !ensemble.is_current(layout)) {
        let candidates: Vec<_> = ensemble
            .candidates
            .iter()
            .map(ToString::to_string)
            .collect();
        let (path, candidates) = (ensemble.path.display(), candidates.join(", "));
        writeln!(out, "choose the ensemble {path} among {candidates}")?;
    }
    match schedule::check_requirements(steps, processor) {
        Ok(()) => {
            writeln!(out, "this processor meets all requirements: {processor}")?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Err(error.into()),
    }
}
