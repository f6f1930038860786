//! Settings of the detection of drift.

use std::num::NonZeroUsize;

use clap::Args;

use super::parse;

/// Settings of the detection of drift.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Drift")]
pub struct DriftSettings {
    /// on compares the images of clients with those of the last evaluation of the version that classifies them, in windows of
    /// --drift-window faces. The comparison starts when the version has an evaluation of a whole split other than train with at least
    /// 100 images. off does not compare them.
    #[arg(long, env = "MIEN_DRIFT", value_enum, default_value = "on")]
    pub drift: DriftMode,

    /// Number of faces per window. Large windows detect small differences, but they detect them later. From 100 to 1000000.
    #[arg(
        long,
        env = "MIEN_DRIFT_WINDOW",
        value_name = "COUNT",
        default_value = "1000",
        value_parser = window
    )]
    pub drift_window: NonZeroUsize,
}

/// Whether drift is detected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum DriftMode {
    /// Compares the images of clients with those of an evaluation.
    On,
    /// Does not compare them.
    Off,
}

/// Minimum number of faces per window; the bins of smaller windows contain too few faces for the test.
const MIN_WINDOW: usize = 100;

fn window(text: &str) -> Result<NonZeroUsize, String> {
    let count = parse::number::<1_000_000>(text)?;
    if count.get() < MIN_WINDOW {
        return Err(format!("must be at least {MIN_WINDOW}"));
    }
    Ok(count)
}
