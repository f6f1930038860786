//! Settings of self-tuning.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::parse;
use crate::tuning::{TuneMode, TuningOptions};

/// How the server finds out what serves each model best on this machine.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Tuning")]
pub struct TuningSettings {
    /// auto measures at the start, before the server is ready, and for models that are loaded later while nobody
    /// asks for anything, which number of sessions, cores a run and
    /// batch size serve each model best, and keeps the result for the next start. --instances,
    /// --intra-op-threads, --max-batch and a model's mien.toml go before. off takes the device's default.
    #[arg(long, env = "MIEN_TUNE", value_enum, default_value = "auto")]
    pub tune: TuneMode,

    /// How long one model is measured at most.
    #[arg(long, env = "MIEN_TUNE_BUDGET", value_name = "TIME", default_value = "3s", value_parser = parse::positive_duration)]
    pub tune_budget: Duration,

    /// Where results are kept. Without it `$XDG_CACHE_HOME/mien` or `~/.cache/mien`.
    #[arg(long, env = "MIEN_TUNE_CACHE", value_name = "DIR")]
    pub tune_cache: Option<PathBuf>,
}

impl TuningSettings {
    /// The same for the tuner.
    pub fn options(&self) -> TuningOptions {
        TuningOptions { mode: self.tune, budget: self.tune_budget, cache: self.tune_cache.clone() }
    }
}
