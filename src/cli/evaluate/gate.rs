//! Limits that decide the exit code of `mien evaluate` in a pipeline.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use mien_faces::report::{
    Comparison, MIN_GROUP_IMAGES, Predictions, compare_with_groups, large_groups,
};

use crate::{cli::compare::read, evaluation::EvaluationResult, settings::parse};

/// Limits that the model must meet.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct GateArgs {
    /// Exit with code 4 if the accuracy is lower than this share, from 0 to 1.
    #[arg(long, value_name = "SHARE", value_parser = parse::share)]
    min_accuracy: Option<f64>,

    #[command(flatten)]
    regression: RegressionArgs,

    /// Predictions of another evaluation of the same images, as --csv writes them, for --max-regression and --max-group-regression.
    #[arg(long, value_name = "OLD.csv", requires = "regression")]
    baseline: Option<PathBuf>,
}

/// Limits of the difference from the baseline.
#[derive(Debug, Clone, Copy, Args)]
#[group(id = "regression", multiple = true)]
struct RegressionArgs {
    /// Exit with code 4 if the accuracy is lower than that of --baseline by more than this share, from 0 to 1.
    #[arg(long, value_name = "SHARE", value_parser = parse::share, requires = "baseline")]
    max_regression: Option<f64>,

    /// Exit with code 4 if the accuracy in a group of at least 30 images is lower than that of --baseline by more than this share, from 0 to
    /// 1. The groups are those of the data set.
    #[arg(long, value_name = "SHARE", value_parser = parse::share, requires = "baseline")]
    max_group_regression: Option<f64>,
}

/// The limits with the predictions of the baseline.
pub(super) struct Gate {
    min_accuracy: Option<f64>,
    regression: RegressionArgs,
    baseline: Option<Predictions>,
}

impl GateArgs {
    /// Reads the baseline, so that an unreadable file is an error before the evaluation.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or does not contain predictions.
    pub(super) fn open(&self) -> anyhow::Result<Gate> {
        let baseline = self.baseline.as_ref().map(|path| read(path));
        Ok(Gate {
            min_accuracy: self.min_accuracy,
            regression: self.regression,
            baseline: baseline.transpose()?,
        })
    }
}

impl Gate {
    /// Returns one sentence per limit that the result does not meet, and per group that does not meet its limit.
    ///
    /// # Errors
    /// Returns an error if the baseline and the result are not of the same images, no image was classified, or no group is large enough.
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
        if let Some(baseline) = &self.baseline {
            let comparison = comparison(baseline, &result.predictions)?;
            violations.extend(self.regression.of_all(&comparison));
            violations.extend(self.regression.of_groups(&comparison)?);
        }
        Ok(violations)
    }
}

impl RegressionArgs {
    /// Returns a sentence if the accuracy over all images does not meet the limit.
    fn of_all(self, comparison: &Comparison) -> Option<String> {
        let (regression, max) = (-comparison.difference, self.max_regression?);
        (regression > max).then(|| {
            format!(
                "the accuracy is lower than that of the baseline by {regression:.4}, which is more than {max} (--max-regression)"
            )
        })
    }

    /// Returns a sentence per group that does not meet the limit.
    fn of_groups(self, comparison: &Comparison) -> anyhow::Result<Vec<String>> {
        let Some(max) = self.max_group_regression else {
            return Ok(Vec::new());
        };
        ensure!(
            large_groups(&comparison.groups).next().is_some(),
            "no group has at least {MIN_GROUP_IMAGES} images for --max-group-regression; evaluate more images, also for the baseline"
        );
        let violations = large_groups(&comparison.groups).filter_map(|(grouping, group)| {
            let (regression, images) = (-group.difference, group.images);
            let group = &group.group;
            (regression > max).then(|| {
                format!(
                    "the accuracy in the group {group} of {grouping} ({images} images) is lower than that of the baseline by {regression:.4}, \
                    which is more than {max} (--max-group-regression)"
                )
            })
        });
        Ok(violations.collect())
    }
}

/// Compares the result with the baseline, which must be predictions of the same images.
fn comparison(old: &Predictions, new: &Predictions) -> anyhow::Result<Comparison> {
    let comparison = compare_with_groups(old, new).context("cannot compare with --baseline")?;
    ensure!(
        comparison.only_in_a == 0 && comparison.only_in_b == 0,
        "--baseline has {} images that were not evaluated, and {} evaluated images are missing; evaluate the same images for the baseline",
        comparison.only_in_a,
        comparison.only_in_b
    );
    Ok(comparison)
}
