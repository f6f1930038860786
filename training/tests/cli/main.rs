//! Runs the command line of `mien-train` on a few real faces.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod arguments;
mod common;
mod ensembles;
mod export;
mod export_options;
mod init;
mod keras;
mod kills;
mod plans;
mod prepare;
mod quantize;
mod robustness;
mod runs;
mod teachers;
mod telemetry;
