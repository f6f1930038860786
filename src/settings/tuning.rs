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
    /// the next start. It measures while the server is idle. Until then a model serves with the configuration of its previous
    /// version or the defaults of the device. --instances, --intra-op-threads, --max-batch and a model's mien.toml have priority.
    /// off always uses the defaults of the device.
    #[arg(long, env = "MIEN_TUNE", value_enum, default_value = "auto")]
    pub tune: TuneMode,

    /// Maximum time of a measurement.
    #[arg(long, env = "MIEN_TUNE_BUDGET", value_name = "TIME", default_value = "3s", value_parser = parse::positive_duration)]
    pub tune_budget: Duration,

    /// Time without requests before a measurement. Before a measurement is repeated, the load of the machine must also have been
    /// low for this time; the time is doubled up to three times if repeated measurements are not reliable.
    #[arg(long, env = "MIEN_TUNE_IDLE", value_name = "TIME", default_value = "5s", value_parser = parse::positive_duration)]
    pub tune_idle: Duration,

    /// Maximum load of the machine during a reliable measurement: the share of the cores, 0 to 1, that other processes occupy. The
    /// result of a measurement under a higher load is used until the measurement is repeated under a low load.
    #[arg(long, env = "MIEN_TUNE_MAX_LOAD", value_name = "SHARE", default_value = "0.1", value_parser = parse::share)]
    pub tune_max_load: f64,

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
            idle: self.tune_idle,
            max_load: self.tune_max_load,
            cache: self.tune_cache.clone(),
        }
    }
}
