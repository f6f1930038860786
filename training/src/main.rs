//! `mien-train`: trains, lists and exports face classifiers.

use std::process::ExitCode;

use clap::Parser;
use mien_host::broken_pipe::is_broken_pipe;
use mien_training::{cli::Cli, memory};

fn main() -> ExitCode {
    memory::configure_environment();
    match Cli::parse().run() {
        Ok(code) => code,
        // The reader of a pipe, such as `head`, has read enough.
        Err(error) if is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
