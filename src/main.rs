//! The `mien` program: reads the settings, starts logging and runs a command.

mod memory;

use std::{io::Write, process::ExitCode};

use anyhow::Context;
use clap::Parser;
use mien::{
    cli::{Cli, Command, configuration},
    http,
    startup::Application,
    telemetry,
};
use mien_host::environment;

#[actix_web::main]
async fn main() -> anyhow::Result<ExitCode> {
    let Cli { command, log } = Cli::parse();
    let is_server = matches!(command, Command::Serve(_));
    environment::reexec(is_server.then_some(memory::MALLOC_TUNABLES));
    telemetry::init(&log)?;
    match command {
        Command::Serve(settings) => Application::build(&settings)?.run_until_stopped().await?,
        Command::Evaluate(args) => return args.run().await,
        Command::Classify(args) => return args.run().await,
        Command::Compare(args) => args.run()?,
        Command::Bench(args) => args.run().await?,
        Command::Promote(args) => return args.run().await,
        Command::Health(args) => args.check()?,
        Command::Openapi => {
            let document = http::openapi().to_pretty_json()?;
            writeln!(std::io::stdout(), "{document}").context("writing to standard output")?;
        }
        Command::Configuration => {
            write!(std::io::stdout(), "{}", configuration::markdown())
                .context("writing to standard output")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
