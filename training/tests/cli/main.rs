//! `mien-train` as a person runs it, on a dozen real faces.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ensembles;
mod export;
mod export_options;
mod house;
mod keras;
mod plans;
mod robustness;
mod runs;
mod sources;
