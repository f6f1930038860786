//! Options of the tuner.

use std::{path::PathBuf, time::Duration};

/// Tuning mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum TuneMode {
    /// Measures while the server is idle; curves are stored on disk.
    Auto,
    /// Uses the defaults of the device for values that are not set.
    Off,
}

/// Options of the tuner.
#[derive(Debug, Clone)]
pub struct TuningOptions {
    /// Tuning mode.
    pub mode: TuneMode,
    /// Maximum time of a measurement.
    pub budget: Duration,
    /// Time without requests before a measurement, and time with a low load before a repeated one.
    pub idle: Duration,
    /// Maximum share of the cores, 0 to 1, that other processes may occupy during a reliable measurement.
    pub max_load: f64,
    /// Directory of the curves; by default the user's cache directory.
    pub cache: Option<PathBuf>,
}

impl TuningOptions {
    /// Returns options with which a server does not tune.
    pub fn off() -> Self {
        Self {
            mode: TuneMode::Off,
            budget: Duration::ZERO,
            idle: Duration::ZERO,
            max_load: 0.0,
            cache: None,
        }
    }
}
