//! The command line. Each subcommand has its own file.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::Context;
use clap::{Parser, Subcommand};

mod bench;
mod compare;
mod ensemble;
mod export;
mod import_keras;
mod list;
mod prepare;
mod quantize;
mod run_all;
mod train;

/// Trains face classifiers with libtorch and exports them to ONNX.
#[derive(Debug, Parser)]
#[command(name = "mien-train", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the networks with their parameters and multiply-adds.
    List(list::Args),
    /// Trains a network, or resumes an interrupted run.
    Train(train::Args),
    /// Exports the averaged weights of a run as an ONNX model and compares ONNX Runtime with libtorch.
    Export(export::Args),
    /// Trains and exports the runs of a plan in the order of their dependencies; resumes an interrupted plan.
    RunAll(run_all::Args),
    /// Chooses members and weights of an ensemble by held-out log-loss and writes its version folder.
    Ensemble(ensemble::Args),
    /// Quantises an exported model to INT8 and compares both files.
    Quantize(quantize::Args),
    /// Measures a training step: time per image and peak memory.
    Bench(bench::Args),
    /// Prints runs side by side and plots their curves.
    Compare(compare::Args),
    /// Crops the faces of photos and writes a data set.
    Prepare(prepare::Args),
    /// Converts a .h5 model of Keras to ONNX and compares ONNX Runtime with libtorch.
    ImportKeras(import_keras::Args),
}

impl Cli {
    /// Runs the subcommand.
    ///
    /// # Errors
    /// Returns the error of the subcommand.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::List(args) => args.run(),
            Command::Train(args) => args.run(),
            Command::Export(args) => args.run(),
            Command::RunAll(args) => args.run(),
            Command::Ensemble(args) => args.run(),
            Command::Quantize(args) => args.run(),
            Command::Bench(args) => args.run(),
            Command::Compare(args) => args.run(),
            Command::Prepare(args) => args.run(),
            Command::ImportKeras(args) => args.run(),
        }
    }
}

/// Exit code of a command that Ctrl-C or `--max-steps` interrupted after it saved its work.
const INTERRUPTED: u8 = 3;

/// Returns a flag that Ctrl-C sets. A process can call this once.
fn interrupted_flag() -> anyhow::Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))
        .context("cannot listen for Ctrl-C")?;
    Ok(interrupted)
}

/// Returns the number of cores that the program may use.
fn cores() -> usize {
    mien_host::cpu::available_cores()
}

/// Parses a finite number of at least 0.
fn not_negative(text: &str) -> Result<f64, String> {
    let fits = |s: &f64| s.is_finite() && *s >= 0.0;
    text.parse()
        .ok()
        .filter(fits)
        .ok_or_else(|| "a number, at least 0".to_owned())
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|&n| n > 0)
        .ok_or_else(|| "a number, at least 1".to_owned())
}
