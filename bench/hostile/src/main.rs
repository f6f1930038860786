//! Attacks a mien server and checks that it stays within its bounds. `cargo xtask hostile` builds the server and runs this program.
//!
//! Each attack runs against a server of its own. While the attack runs, a probe measures the memory of the server and how fast it
//! answers another client.

use std::{path::PathBuf, process::ExitCode};

use anyhow::ensure;
use clap::Parser;

mod attack;
mod attacks;
mod probe;
mod raw;
mod report;
mod server;
mod trial;

use attack::Attack;

#[derive(Debug, Parser)]
#[command(
    name = "mien-hostile",
    about = "Attacks a mien server and checks its bounds"
)]
struct Cli {
    /// The server binary.
    #[arg(long, env = "MIEN")]
    mien: PathBuf,
    /// Print the names of the attacks and exit.
    #[arg(long)]
    list: bool,
    /// Attacks to run. Without names, all attacks run one after the other.
    names: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Cli::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("mien-hostile: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the chosen attacks and returns whether the server stayed within all bounds.
async fn run(cli: &Cli) -> anyhow::Result<bool> {
    let attacks = attacks::all();
    if cli.list {
        report::print_names(&attacks);
        return Ok(true);
    }
    let unknown = |name: &&String| attacks.iter().all(|attack| attack.name != **name);
    if let Some(name) = cli.names.iter().find(unknown) {
        anyhow::bail!("unknown attack `{name}`; --list prints the names");
    }
    ensure!(
        cli.mien.is_file(),
        "{} is not a file; build the server first",
        cli.mien.display()
    );
    let chosen =
        |attack: &&Attack| cli.names.is_empty() || cli.names.iter().any(|name| name == attack.name);
    report::print_header();
    let mut passed = true;
    for attack in attacks.iter().filter(chosen) {
        let outcome = trial::run(&cli.mien, attack).await?;
        report::print_row(attack, &outcome);
        passed &= outcome.violations.is_empty();
    }
    Ok(passed)
}
