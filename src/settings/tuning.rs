//! Settings of tuning.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::parse;
use crate::tuning::{TuneMode, TuningOptions};

/// Settings of tuning.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Tuning")]
pub struct TuningSettings {
    /// auto measures which number of sessions and threads and which batch size serve each model best, and stores the result for
    /// the next start. It measures before the server is ready, and later, while the server is idle, for newly loaded models.
    /// --instances, --intra-op-threads, --max-batch and a model's mien.toml have priority. off uses the defaults of the device.
    #[arg(long, env = "MIEN_TUNE", value_enum, default_value = "auto")]
    pub tune: TuneMode,

    /// Maximum time of the measurement per model.
    #[arg(long, env = "MIEN_TUNE_BUDGET", value_name = "TIME", default_value = "3s", value_parser = parse::positive_duration)]
    pub tune_budget: Duration,

    /// Directory of the results. By default `$XDG_CACHE_HOME/mien` or `~/.cache/mien`.
    #[arg(long, env = "MIEN_TUNE_CACHE", value_name = "DIR")]
    pub tune_cache: Option<PathBuf>,
}

impl TuningSettings {
    /// Converts the settings for the tuner.
    pub fn options(&self) -> TuningOptions {
        TuningOptions {
            mode: self.tune,
            budget: self.tune_budget,
            cache: self.tune_cache.clone(),
        }
    }
}
