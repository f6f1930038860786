//! Options of the tuner.

use std::{path::PathBuf, time::Duration};

/// Tuning mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum TuneMode {
    /// Measures at the start, and later while the server is idle; curves are stored on disk.
    Auto,
    /// Uses the defaults of the device for values that are not set.
    Off,
}

/// Options of the tuner.
#[derive(Debug, Clone)]
pub struct TuningOptions {
    /// Tuning mode.
    pub mode: TuneMode,
    /// Maximum time per model.
    pub budget: Duration,
    /// Directory of the curves; by default the user's cache directory.
    pub cache: Option<PathBuf>,
}
