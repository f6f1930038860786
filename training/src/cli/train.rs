//! `mien-train train`

use std::{
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context;

use crate::{
    arch::{catalog, graph::Graph},
    machine::{Machine, Workplace},
    recipe::Recipe,
    torch::device,
    train::trainer::{Control, Outcome, Trainer},
};

mod prepare;

use prepare::Prepared;

/// Exit code of a run that Ctrl-C or `--max-steps` interrupted: saved, not finished.
const INTERRUPTED: u8 = 3;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run's folder: recipe, checkpoint, history.
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    /// The network, as `mien-train list` names it.
    #[arg(
        long,
        value_name = "NAME",
        required_unless_present = "resume",
        conflicts_with = "resume"
    )]
    arch: Option<String>,
    /// The data set: a folder with train/<class>/ or fer2013.csv. With --resume, where it lies now, if it has moved.
    #[arg(long, value_name = "DIR", required_unless_present = "resume")]
    data: Option<PathBuf>,
    /// The recipe; what it leaves out has the defaults of the documentation.
    #[arg(long, value_name = "TOML", conflicts_with = "resume")]
    recipe: Option<PathBuf>,
    /// Epochs, instead of the recipe's.
    #[arg(long, conflicts_with = "resume")]
    epochs: Option<usize>,
    /// Faces a step, instead of the recipe's.
    #[arg(long, conflicts_with = "resume")]
    batch: Option<usize>,
    /// Seed, instead of the recipe's.
    #[arg(long, conflicts_with = "resume")]
    seed: Option<u64>,
    /// Share of the training faces to hold out, instead of the recipe's.
    #[arg(long, conflicts_with = "resume")]
    holdout: Option<f64>,
    /// Go on with the run in --out.
    #[arg(long)]
    resume: bool,
    /// Threads of libtorch; the same number is needed to repeat a run to the last bit.
    #[arg(long, default_value_t = super::cores(), value_parser = super::at_least_one)]
    threads: usize,
    /// Longest time between two checkpoints, in seconds.
    #[arg(long, default_value_t = 60.0, value_parser = seconds)]
    save_every: f64,
    /// Save and leave after so many steps.
    #[arg(long)]
    max_steps: Option<usize>,
}

fn seconds(text: &str) -> Result<f64, String> {
    let fits = |s: &f64| s.is_finite() && *s >= 0.0;
    text.parse().ok().filter(fits).ok_or_else(|| "a number of seconds, at least 0".to_owned())
}

impl Args {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        tch::set_num_threads(i32::try_from(self.threads)?);
        let device = device::best_device();
        let Prepared { mut run, recipe, faces, holdout, teachers, init, claim: _held } =
            if self.resume { self.reopen(device)? } else { self.begin(device)? };
        for error in &run.unreadable {
            eprintln!("passed over: {error}");
        }
        let precision = format!("{:?}", recipe.precision.kind(device));
        let (machine, threads) = (Machine::here(), self.threads);
        let place = Workplace { machine, device: format!("{device:?}"), precision, threads };
        run.goes_on(&self.out, place)?;
        eprintln!(
            "{} on {device:?} in {:?}: {} faces, {} held out, {} epochs",
            run.architecture,
            recipe.precision.kind(device),
            faces.len(),
            holdout.len(),
            recipe.epochs
        );
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&interrupted);
        ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))
            .context("cannot listen for Ctrl-C")?;
        let control = Control {
            folder: self.out.clone(),
            save_every: Duration::from_secs_f64(self.save_every),
            max_steps: self.max_steps,
            threads: self.threads,
            interrupted,
        };
        let graph = network(&run.architecture, &recipe)?;
        let mut trainer = Trainer::new(graph, recipe, teachers, init, device, control)?;
        match trainer.run(&faces, &holdout)? {
            Outcome::Finished => {
                eprintln!(
                    "finished; write the model with `mien-train export {} --out models/NAME/1/model.onnx`",
                    self.out.display()
                );
                Ok(ExitCode::SUCCESS)
            }
            Outcome::Interrupted => {
                eprintln!(
                    "saved; go on with `mien-train train --resume --out {} --threads {}`",
                    self.out.display(),
                    self.threads
                );
                Ok(ExitCode::from(INTERRUPTED))
            }
        }
    }
}

/// The network of a run, with the dropout that its recipe asks for.
fn network(architecture: &str, recipe: &Recipe) -> anyhow::Result<Graph> {
    let options = catalog::Options { dropout: recipe.dropout, head_dropout: recipe.head_dropout };
    Ok(catalog::build_with(architecture, &options)?)
}
