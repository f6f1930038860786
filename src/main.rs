//! The `mien` program: reads the settings, starts logging and runs a command.

mod memory;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Context;
use clap::Parser;
use mien::{
    cli::{Cli, Command, configuration},
    http,
    inference::runtime::openvino::this_program,
    startup,
    telemetry::{self, FlushOnDrop, LogOutput},
};
use mien_host::{broken_pipe::is_broken_pipe, environment};

#[actix_web::main]
async fn main() -> ExitCode {
    let _flush = FlushOnDrop;
    match run(Cli::parse()).await {
        Ok(code) => code,
        // The reader of a pipe, such as `head`, has read enough.
        Err(error) if is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            telemetry::print(&format!("Error: {error:?}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(Cli { command, log }: Cli) -> anyhow::Result<ExitCode> {
    let is_server = matches!(command, Command::Serve(_));
    environment::reexec(if is_server { &memory::SETTINGS } else { &[] });
    let (default_filter, output) = if is_server {
        (telemetry::SERVER_FILTER, LogOutput::Buffered)
    } else {
        (telemetry::COMMAND_FILTER, LogOutput::Direct)
    };
    telemetry::init(&log, default_filter, output)?;
    match command {
        Command::Serve(mut settings) => {
            settings.engines.program = this_program();
            startup::serve(&settings).await?;
        }
        Command::Evaluate(args) => return args.run().await,
        Command::Classify(args) => return args.run().await,
        Command::Compare(args) => args.run()?,
        Command::Bench(args) => args.run().await?,
        Command::Promote(args) => return args.run().await,
        Command::Health(args) => args.check()?,
        Command::Keys(args) => args.run()?,
        Command::CheckOpenVino(args) => args.run()?,
        Command::Openapi => {
            let document = http::openapi().to_pretty_json()?;
            writeln!(io::stdout(), "{document}").context("cannot write to standard output")?;
        }
        Command::Configuration => {
            write!(io::stdout(), "{}", configuration::markdown())
                .context("cannot write to standard output")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
