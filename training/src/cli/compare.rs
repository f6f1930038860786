//! `mien-train compare`

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use mien_faces::report::format::{NO_VALUE, percent};
use serde_json::Value;

use crate::{
    plot,
    recipe::Recipe,
    report::{ModelReport, keys},
    train::{
        progress::format_hms,
        run::{
            history::{self, EpochRow},
            metadata::RunMetadata,
        },
    },
};

/// Maximum length in characters of a recipe value that is printed in a column.
const MAX_COLUMN_WIDTH: usize = 24;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folders of runs.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Plot the losses and accuracies of all runs to this PNG file.
    #[arg(long, value_name = "FILE.png")]
    out: Option<PathBuf>,
}

/// A run and its files.
struct Entry {
    name: String,
    run: RunMetadata,
    recipe: Recipe,
    rows: Vec<EpochRow>,
    report: Option<ModelReport>,
}

impl Args {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let entries = self
            .runs
            .iter()
            .map(|run| Entry::open(run))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let mut out = std::io::stdout().lock();
        table(&mut out, &rows(&entries))?;
        let recipes: Vec<&Recipe> = entries.iter().map(|entry| &entry.recipe).collect();
        let differing = keys::differing(&recipes);
        if entries.len() > 1 {
            writeln!(out, "\nrecipe keys that differ: {}", differing.len())?;
        }
        differences(&mut out, &entries, &differing)?;
        if let Some(path) = self.out {
            let runs: Vec<_> = entries.into_iter().map(|e| (e.name, e.rows)).collect();
            plot::compared(&runs, &path)?;
            writeln!(out, "\nwrote {}", path.display())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Entry {
    fn open(folder: &Path) -> anyhow::Result<Self> {
        let (run, recipe) = RunMetadata::open(folder)?;
        let rows = history::read(folder)
            .with_context(|| format!("{} has no finished epoch", folder.display()))?;
        let name = folder.file_name().map_or_else(
            || folder.display().to_string(),
            |name| name.to_string_lossy().into_owned(),
        );
        // A report of an earlier export does not describe the current weights.
        let report =
            ModelReport::read(folder).filter(|report| report.training.epochs == rows.len());
        Ok(Self {
            name,
            run,
            recipe,
            rows,
            report,
        })
    }

    fn accuracy(&self, usage: Option<&str>) -> String {
        let Some(test) = self.report.as_ref().and_then(|report| report.test.as_ref()) else {
            return NO_VALUE.to_owned();
        };
        let score = match usage {
            None => Some(&test.report.score),
            Some(name) => test
                .report
                .splits
                .iter()
                .find(|(u, _)| u.name() == name)
                .map(|(_, score)| score),
        };
        percent(score.and_then(|score| score.accuracy), 2)
    }

    fn holdout(&self, pick: impl Fn(&[f64]) -> Option<f64>) -> String {
        let values: Vec<f64> = self
            .rows
            .iter()
            .filter_map(|row| row.holdout_accuracy)
            .collect();
        percent(pick(&values), 2)
    }
}

/// Returns one row per metric: its name, then one value per run.
fn rows(entries: &[Entry]) -> Vec<Vec<String>> {
    let row = |name: &str, value: &dyn Fn(&Entry) -> String| {
        std::iter::once(name.to_owned())
            .chain(entries.iter().map(value))
            .collect()
    };
    let last = |entry: &Entry, value: &dyn Fn(&EpochRow) -> Option<String>| {
        entry
            .rows
            .last()
            .and_then(value)
            .unwrap_or_else(|| NO_VALUE.to_owned())
    };
    let best = |values: &[f64]| values.iter().copied().max_by(f64::total_cmp);
    let seconds = |entry: &Entry| entry.rows.iter().map(|row| row.seconds).sum();
    vec![
        row("run", &|e| e.name.clone()),
        row("architecture", &|e| e.run.architecture.clone()),
        row("epochs", &|e| {
            format!("{}/{}", e.rows.len(), e.recipe.epochs)
        }),
        row("training time", &|e| format_hms(seconds(e))),
        row("last train loss", &|e| {
            last(e, &|row| Some(format!("{:.4}", row.train_loss)))
        }),
        row("last train accuracy", &|e| {
            last(e, &|row| Some(percent(row.train_accuracy, 2)))
        }),
        row("last holdout loss", &|e| {
            last(e, &|row| Some(format!("{:.4}", row.holdout_loss?)))
        }),
        row("last holdout accuracy", &|e| {
            e.holdout(|values| values.last().copied())
        }),
        row("best holdout accuracy", &|e| e.holdout(best)),
        row("exported views", &|e| {
            e.report
                .as_ref()
                .map_or_else(|| "–".to_owned(), |r| r.views.count().to_string())
        }),
        row("test accuracy", &|e| e.accuracy(None)),
        row("PublicTest accuracy", &|e| e.accuracy(Some("PublicTest"))),
        row("PrivateTest accuracy", &|e| e.accuracy(Some("PrivateTest"))),
    ]
}

/// Prints the recipe keys that differ. Keys with short values are printed in one column per run, others in one line per run.
fn differences(
    out: &mut impl Write,
    entries: &[Entry],
    differing: &BTreeMap<String, Vec<Value>>,
) -> std::io::Result<()> {
    let shown = |values: &[Value]| -> Vec<String> {
        values
            .iter()
            .map(|v| {
                if v.is_null() {
                    NO_VALUE.to_owned()
                } else {
                    v.to_string()
                }
            })
            .collect()
    };
    let keys = differing.iter().map(|(key, values)| (key, shown(values)));
    let (short, long): (Vec<_>, Vec<_>) =
        keys.partition(|(_, values)| values.iter().all(|value| value.len() <= MAX_COLUMN_WIDTH));
    let row = |(key, values): (&String, Vec<String>)| [vec![key.clone()], values].concat();
    table(out, &short.into_iter().map(row).collect::<Vec<_>>())?;
    for (key, values) in long {
        writeln!(out, "{key}")?;
        for (entry, value) in entries.iter().zip(values) {
            writeln!(out, "  {}: {value}", entry.name)?;
        }
    }
    Ok(())
}

/// Prints rows with aligned columns: names to the left, values to the right.
fn table(out: &mut impl Write, rows: &[Vec<String>]) -> std::io::Result<()> {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..columns).filter_map(width).collect();
    for row in rows {
        write!(out, "{:<1$}", row[0], widths[0])?;
        for (value, width) in row.iter().zip(&widths).skip(1) {
            write!(out, "  {value:>width$}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}
