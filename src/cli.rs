//! `mien <command>`.

mod api_client;
pub mod bench;
pub mod classify;
pub mod compare;
pub mod evaluate;
pub mod health;
mod model;
mod output;
mod progress;
pub mod promote;
mod table;

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

/// The exit code of a command that did its work but could not read every picture.
const INCOMPLETE: u8 = 3;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve models over HTTP
    ///
    /// Loads every model of the models folder and serves it until SIGTERM or SIGINT. Every flag can
    /// be set by the variable named beside it.
    Serve(Box<Settings>),

    /// Measure a model on a labelled data set
    ///
    /// No server is needed. Prints accuracy with its interval, the scores of each class and who was
    /// taken for whom; --html, --markdown and --csv write files. Ends with 0, with 1 where it failed, with 3 where some pictures could not be read.
    Evaluate(evaluate::EvaluateArgs),

    /// Compare two models by their predictions
    ///
    /// Takes two files that `mien evaluate --csv` or `/v1/evaluations/ID/predictions` wrote, on the same images. Prints
    /// the difference with its 95 % interval, McNemar's exact test, the recall of each class and the images that flipped.
    Compare(compare::CompareArgs),

    /// Label picture files
    ///
    /// No server is needed. Ends with 0, with 1 where it failed, with 3 where some files could not be read.
    Classify(classify::ClassifyArgs),

    /// Measure what serving costs
    ///
    /// Prints, for a real network and for one that does nothing: ONNX Runtime alone, the batcher without HTTP, and
    /// `mien serve` as a child under load. With --url it puts the same load on a server that runs already.
    Bench(bench::BenchArgs),

    /// Give a running server's traffic to another version of a model, if it passes
    ///
    /// The server loads the version beside the one that serves, evaluates it and lets it take the traffic if it reaches
    /// what is asked for. Waits for that and ends with 0 where the version serves, with 1 where it does not.
    Promote(promote::PromoteArgs),

    /// Print the OpenAPI document
    Openapi,

    /// Ask a running server whether it is ready
    ///
    /// Ends with 0 where it is: the health check of a container.
    Health(health::HealthArgs),
}
