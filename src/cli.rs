//! `mien <command>`.

use clap::{Parser, Subcommand};

use crate::{settings::Settings, telemetry::LogSettings};

/// Classifies facial expressions: a server, and the same from the command line.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    #[expect(missing_docs, reason = "clap would print it as the program's description")]
    pub command: Command,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would print it as the program's description")]
    pub log: LogSettings,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve models over HTTP
    ///
    /// Loads every model of the models folder and serves it until SIGTERM or SIGINT. Every flag can
    /// be set by the variable named beside it.
    Serve(Box<Settings>),

    /// Print the OpenAPI document
    Openapi,
}
