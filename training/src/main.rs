//! `mien-train`: trains, lists and exports face classifiers.

use std::process::ExitCode;

use clap::Parser;
use mien_training::{cli::Cli, memory};

fn main() -> ExitCode {
    memory::configure_environment();
    match Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
