//! `mien <command>`.

mod api_client;
pub mod bench;
pub mod check_openvino;
pub mod classify;
pub mod compare;
pub mod configuration;
mod engine;
pub mod evaluate;
pub mod health;
pub mod keys;
mod model;
mod output;
mod progress;
pub mod promote;
mod table;

use clap::{Parser, Subcommand};

use crate::{settings::Settings, telemetry::LogSettings};

/// Classifies facial expressions, as a server and on the command line.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    #[expect(
        missing_docs,
        reason = "clap would print it as the program's description"
    )]
    pub command: Command,

    #[command(flatten)]
    #[expect(
        missing_docs,
        reason = "clap would print it as the program's description"
    )]
    pub log: LogSettings,
}

/// Exit code of a command that succeeded but could not read every image.
const INCOMPLETE: u8 = 3;

/// Exit code of a command that measured a model and rejected it.
const REJECTED: u8 = 4;

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve models over HTTP
    ///
    /// Loads the models of the repository and serves them until SIGTERM or SIGINT. Each flag can also be set by its variable.
    Serve(Box<Settings>),

    /// Measure a model on a labelled data set
    ///
    /// Needs no server. Prints the accuracy with its interval, the scores per class and the confusion matrix; --html, --markdown and
    /// --csv write files. Exit codes: 0 for success, 1 for a failure, 3 if some images are unreadable, 4 if the model does not meet
    /// --min-accuracy or --max-regression.
    Evaluate(evaluate::EvaluateArgs),

    /// Compare two models by their predictions
    ///
    /// Reads two files of `mien evaluate --csv` or `/v1/evaluations/ID/predictions` on the same images. Prints the difference with
    /// its 95 % interval, McNemar's exact test, the recall per class and the images with different predictions.
    Compare(compare::CompareArgs),

    /// Label image files and photos
    ///
    /// Needs no server; --server uses a running one. Exit codes: 0 for success, 1 for a failure, 3 if some files are unreadable.
    Classify(Box<classify::ClassifyArgs>),

    /// Measure the cost of serving
    ///
    /// Measures raw ONNX Runtime, the batcher without HTTP, and `mien serve` as a child process under load, for a real network and
    /// for a no-op network. With --url it puts the same load on a running server.
    Bench(bench::BenchArgs),

    /// Promote a version of a model on a running server
    ///
    /// The server loads the candidate next to the serving version, evaluates it, and switches traffic to it if it meets the
    /// criterion. The command waits for the result; Ctrl-C cancels the promotion. A rejected promotion leaves the
    /// model pinned to its serving version. Exit codes: 0 if the candidate serves, 1 for a failure, 4 if the candidate is rejected,
    /// 5 if the server is not reachable, 6 if the admin token is missing or wrong, 7 if the promotion was cancelled.
    Promote(promote::PromoteArgs),

    /// Create API keys
    Keys(keys::KeysArgs),

    /// Print the OpenAPI document
    Openapi,

    /// Print all settings of `mien serve` as Markdown
    Configuration,

    /// Check whether a running server is ready
    ///
    /// Exit code 0 if it is ready. Use it as the health check of a container.
    Health(health::HealthArgs),

    /// Check the OpenVINO plugin
    #[command(hide = true, name = "check-openvino")]
    CheckOpenVino(check_openvino::CheckOpenVinoArgs),
}
