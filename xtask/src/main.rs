//! Automation of mien: `cargo xtask COMMAND`. `cargo xtask help` lists the commands.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod ci;
mod client_check;
mod crates;
mod deploy_check;
mod dist;
mod docs;
mod e2e;
mod fuzz;
mod generated;
mod gpu_check;
mod imports;
mod openapi;
mod run;
mod sbom;
mod setup;
mod wheel;
mod workspace;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Automation of mien")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Downloads ONNX Runtime and libtorch into .runtime/, unless they are installed.
    Setup {
        /// Download the CUDA builds, with the CUDA and cuDNN libraries that they need.
        #[arg(long)]
        gpu: bool,
        /// Download only what the server needs, without libtorch.
        #[arg(long)]
        serving: bool,
    },
    /// Builds the server and starts it on 127.0.0.1:8080 with models/.
    Serve {
        /// Arguments for `mien serve`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Builds and runs the trainer.
    Train {
        /// Arguments for `mien-train`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Runs the tests of all crates.
    Test {
        /// Arguments for `cargo test`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Runs the tests of the web UI in Chromium. As root on Debian, installs Chromium if it is missing.
    E2e {
        /// Arguments for the tests: names, `--nocapture`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Writes docs/configuration.md from the settings of the server, or checks that it is up to date.
    Docs {
        /// Only check.
        #[arg(long)]
        check: bool,
    },
    /// Writes openapi/openapi.json from the routes of the server, or checks that it is up to date.
    Openapi {
        /// Only check.
        #[arg(long)]
        check: bool,
    },
    /// Runs fuzz targets. The seeds are derived from the test fixtures.
    Fuzz {
        /// Name of the target. Without it, all targets run one after the other.
        target: Option<String>,
        /// Time per target in seconds.
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// Attacks a release build of the server and checks its bounds on memory, latency and connections.
    Hostile {
        /// Arguments for the attacks: names, `--list`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Checks the dependencies against the RustSec database. Needs access to GitHub.
    Advisories,
    /// Checks the files of deploy/ with promtool, systemd-analyze, helm and kubernetes-validate, runs the commands and the probes of
    /// the Helm chart and of the KServe runtimes, runs the bulk examples with Spark and Ray, and validates the bill of materials.
    DeployCheck {
        /// Succeed although checks were skipped because their programs are missing.
        #[arg(long)]
        allow_missing: bool,
    },
    /// Checks the Python client: generated types, style, types and tests with a debug build of the server.
    ClientCheck {
        /// Only write the types from openapi/openapi.json.
        #[arg(long)]
        write_types: bool,
    },
    /// Packs the server with its libraries and models into an archive that runs on Linux with only glibc.
    Dist(dist::DistArgs),
    /// Writes a software bill of materials of the server (CycloneDX, JSON): crates, runtime libraries, face detector and models.
    Sbom {
        /// File of the document; by default target/sbom.cdx.json.
        #[arg(long, value_name = "FILE")]
        output: Option<std::path::PathBuf>,
    },
    /// Compares training and serving on an NVIDIA GPU with the CPU and writes a report of one page. The exit code is 0 if all
    /// checks passed, 1 if a check failed, and 3 if the machine has no usable GPU.
    GpuCheck(gpu_check::GpuCheckArgs),
    /// Checks the imports between modules and files against ARCHITECTURE.md.
    Imports,
    /// Runs all checks that a change must pass.
    Ci,
}

fn main() -> ExitCode {
    run_command(Cli::parse().command).unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}

/// Runs a command and returns the exit code.
fn run_command(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Setup { gpu, serving } => setup::run(gpu, serving),
        Command::Serve { args } => run::serve(&args),
        Command::Train { args } => run::train(&args),
        Command::Test { args } => run::test(&args),
        Command::E2e { args } => e2e::run(&args),
        Command::Docs { check } => docs::run(check),
        Command::Openapi { check } => openapi::run(check),
        Command::Fuzz { target, seconds } => fuzz::run(target.as_deref(), seconds),
        Command::Hostile { args } => run::hostile(&args),
        Command::Advisories => ci::advisories(),
        Command::DeployCheck { allow_missing } => deploy_check::run(allow_missing),
        Command::ClientCheck { write_types } => client_check::run(write_types),
        Command::Dist(args) => dist::run(&args),
        Command::Sbom { output } => sbom::run(output),
        Command::GpuCheck(args) => return gpu_check::run(&args),
        Command::Imports => ci::imports(),
        Command::Ci => ci::run(),
    }?;
    Ok(ExitCode::SUCCESS)
}
