//! Limits that decide the exit code of `mien evaluate` in a pipeline.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use mien_faces::report::{self as scores, Prediction, Predictions};

use crate::{cli::compare::read, evaluation::EvaluationResult, settings::parse};

/// Limits that the model must meet.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct GateArgs {
    /// Exit with code 4 if the accuracy is lower than this share, from 0 to 1.
    #[arg(long, value_name = "SHARE", value_parser = parse::share)]
    min_accuracy: Option<f64>,

    /// Exit with code 4 if the accuracy is lower than that of --baseline by more than this share, from 0 to 1.
    #[arg(long, value_name = "SHARE", value_parser = parse::share, requires = "baseline")]
    max_regression: Option<f64>,

    /// Predictions of another evaluation of the same images, as --csv writes them, for --max-regression.
    #[arg(long, value_name = "OLD.csv", requires = "max_regression")]
    baseline: Option<PathBuf>,
}

/// The limits with the predictions of the baseline.
pub(super) struct Gate {
    min_accuracy: Option<f64>,
    max_regression: Option<(f64, Predictions)>,
}

impl GateArgs {
    /// Reads the baseline, so that an unreadable file is an error before the evaluation.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or does not contain predictions.
    pub(super) fn open(&self) -> anyhow::Result<Gate> {
        let baseline = self.max_regression.zip(self.baseline.as_ref());
        let read = |(max, path): (f64, &PathBuf)| anyhow::Ok((max, read(path)?));
        Ok(Gate {
            min_accuracy: self.min_accuracy,
            max_regression: baseline.map(read).transpose()?,
        })
    }
}

impl Gate {
    /// Returns one sentence per limit that the result does not meet.
    ///
    /// # Errors
    /// Returns an error if the baseline and the result are not of the same images, or no image was classified.
    pub(super) fn violations(&self, result: &EvaluationResult) -> anyhow::Result<Vec<String>> {
        let mut violations = Vec::new();
        if let Some(min) = self.min_accuracy {
            let accuracy = result.evaluation.report.score.accuracy;
            let accuracy =
                accuracy.context("no image was classified, so the accuracy is not defined")?;
            if accuracy < min {
                violations.push(format!(
                    "the accuracy {accuracy:.4} is lower than {min} (--min-accuracy)"
                ));
            }
        }
        if let Some((max, baseline)) = &self.max_regression {
            let regression = -difference(&baseline.images, &result.predictions.images)?;
            if regression > *max {
                violations.push(format!(
                    "the accuracy is lower than that of the baseline by {regression:.4}, which is more than {max} (--max-regression)"
                ));
            }
        }
        Ok(violations)
    }
}

/// Returns the accuracy of `new` minus that of `old`, which must be predictions of the same images.
fn difference(old: &[Prediction], new: &[Prediction]) -> anyhow::Result<f64> {
    let comparison = scores::compare(old, new).context("cannot compare with --baseline")?;
    ensure!(
        comparison.only_in_a == 0 && comparison.only_in_b == 0,
        "--baseline has {} images that were not evaluated, and {} evaluated images are missing; evaluate the same images for the baseline",
        comparison.only_in_a,
        comparison.only_in_b
    );
    Ok(comparison.difference)
}
