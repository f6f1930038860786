//! All of mien's automation: `cargo xtask COMMAND`. `cargo xtask help` lists the commands.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod ci;
mod e2e;
mod fuzz;
mod imports;
mod openapi;
mod run;
mod setup;
mod wheel;
mod workspace;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "mien's automation")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fetches ONNX Runtime and libtorch into .runtime/, once.
    Setup {
        /// Their CUDA builds, with the CUDA and cuDNN libraries they need.
        #[arg(long)]
        gpu: bool,
        /// Only what the server needs: no libtorch.
        #[arg(long)]
        serving: bool,
    },
    /// Starts the server on 127.0.0.1:8080 with models/; arguments go to `mien serve`.
    Serve {
        /// Arguments of `mien serve`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Runs `mien-train` with the given arguments.
    Train {
        /// Arguments of `mien-train`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Runs every test of every crate; arguments go to `cargo test`.
    Test {
        /// Arguments of `cargo test`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Runs the page's tests in Chromium, which is installed where that is missing and can be done; arguments go to the
    /// tests.
    E2e {
        /// Arguments of the tests: names, `--nocapture`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Writes openapi/openapi.json, or checks that it is up to date.
    Openapi {
        /// Compare only.
        #[arg(long)]
        check: bool,
    },
    /// Runs fuzz targets from seeds made of the test fixtures.
    Fuzz {
        /// Name of the target. Without it, all targets run one after the other.
        target: Option<String>,
        /// Time per target in seconds.
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// Checks the dependencies against the RustSec database. Needs access to GitHub.
    Advisories,
    /// Checks the imports between modules and files against ARCHITECTURE.md.
    Imports,
    /// Runs everything that must pass before a change lands.
    Ci,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Setup { gpu, serving } => setup::run(gpu, serving),
        Command::Serve { args } => run::serve(&args),
        Command::Train { args } => run::train(&args),
        Command::Test { args } => run::test(&args),
        Command::E2e { args } => e2e::run(&args),
        Command::Openapi { check } => openapi::run(check),
        Command::Fuzz { target, seconds } => fuzz::run(target.as_deref(), seconds),
        Command::Advisories => ci::advisories(),
        Command::Imports => ci::imports(),
        Command::Ci => ci::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
