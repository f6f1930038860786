//! `mien-train train`

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context;

use crate::{
    recipe::Recipe,
    train::{
        prepare::{NewRun, Prepared},
        trainer::{Control, Outcome},
    },
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run's folder, which contains recipe, checkpoint and history.
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    /// The network; see `mien-train list`.
    #[arg(
        long,
        value_name = "NAME",
        required_unless_present = "resume",
        conflicts_with = "resume"
    )]
    arch: Option<String>,
    /// The data set: a folder with train/<class>/ or fer2013.csv. With --resume it is only needed
    /// if the data set has moved.
    #[arg(long, value_name = "DIR", required_unless_present = "resume")]
    data: Option<PathBuf>,
    /// The recipe. Keys that it does not set have their defaults; see docs/recipes.md.
    #[arg(long, value_name = "TOML", conflicts_with = "resume")]
    recipe: Option<PathBuf>,
    /// Number of epochs; overrides the recipe.
    #[arg(long, conflicts_with = "resume")]
    epochs: Option<usize>,
    /// Faces per step; overrides the recipe.
    #[arg(long, conflicts_with = "resume")]
    batch: Option<usize>,
    /// Seed; overrides the recipe.
    #[arg(long, conflicts_with = "resume")]
    seed: Option<u64>,
    /// Share of the training faces to hold out; overrides the recipe.
    #[arg(long, conflicts_with = "resume")]
    holdout: Option<f64>,
    /// Resume the run in --out.
    #[arg(long)]
    resume: bool,
    /// Number of threads. The same number is needed to reproduce a run exactly.
    #[arg(long, default_value_t = super::cores(), value_parser = super::at_least_one)]
    threads: usize,
    /// Maximum time between two checkpoints, in seconds.
    #[arg(long, default_value_t = 60.0, value_parser = super::not_negative)]
    save_every: f64,
    /// Save a checkpoint and exit after this number of steps.
    #[arg(long)]
    max_steps: Option<usize>,
}

impl Args {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        tch::set_num_threads(i32::try_from(self.threads)?);
        let prepared = if self.resume {
            Prepared::resume(&self.out, self.data.as_deref(), self.threads)?
        } else {
            Prepared::start(&self.out, self.new_run()?, self.threads)?
        };
        let control = Control {
            folder: self.out.clone(),
            save_every: Duration::from_secs_f64(self.save_every),
            max_steps: self.max_steps,
            threads: self.threads,
            interrupted: super::interrupted_flag()?,
        };
        match prepared.train(control)? {
            Outcome::Finished => {
                eprintln!(
                    "finished; write the model with `mien-train export {} --out models/NAME/1/model.onnx`",
                    self.out.display()
                );
                Ok(ExitCode::SUCCESS)
            }
            Outcome::Interrupted => {
                eprintln!(
                    "saved; resume with `mien-train train --resume --out {} --threads {}`",
                    self.out.display(),
                    self.threads
                );
                Ok(ExitCode::from(super::INTERRUPTED))
            }
        }
    }

    fn new_run(&self) -> anyhow::Result<NewRun> {
        let mut recipe = self
            .recipe
            .as_deref()
            .map_or_else(|| Ok(Recipe::default()), Recipe::read)?;
        recipe.epochs = self.epochs.unwrap_or(recipe.epochs);
        recipe.batch = self.batch.unwrap_or(recipe.batch);
        recipe.seed = self.seed.unwrap_or(recipe.seed);
        recipe.holdout = self.holdout.unwrap_or(recipe.holdout);
        Ok(NewRun {
            architecture: self.arch.clone().context("a new run needs --arch")?,
            data: self.data.clone().context("a new run needs --data")?,
            recipe: recipe.checked()?,
        })
    }
}
