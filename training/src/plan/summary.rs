//! The table of results of a plan: `summary.csv` and `summary.md`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use mien_faces::{dataset::Usage, report::format};
use mien_host::atomic_file;
use serde::Serialize;

use super::{
    Export, Layout, PlannedRun,
    state::{ExportState, FolderState, RunState},
};
use crate::{
    report::{ModelReport, Test},
    train::{
        progress::format_hms,
        run::history::{self, EpochRow},
    },
};

/// Name of the CSV file.
pub const CSV: &str = "summary.csv";

/// Name of the Markdown file.
pub const MARKDOWN: &str = "summary.md";

/// The table cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {reason}")]
pub struct SummaryError {
    path: PathBuf,
    reason: io::Error,
}

/// Results of a run, or of one export if the run has several. Accuracies are 0..1.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Row {
    /// The run.
    pub run: String,
    /// The network.
    pub architecture: String,
    /// `waiting`, `interrupted`, `finished` or `exported`.
    pub state: &'static str,
    /// Finished epochs.
    pub epochs: usize,
    /// Epochs of the recipe.
    pub planned_epochs: usize,
    /// Seconds of training in the finished epochs.
    pub training_seconds: f64,
    /// Accuracy of the averaged weights on the held-out faces after the last finished epoch.
    pub holdout_accuracy: Option<f64>,
    /// Mean negative log-likelihood of the averaged weights on the held-out faces, nats.
    pub holdout_log_loss: Option<f64>,
    /// The exported model file relative to the root folder.
    pub model: Option<String>,
    /// Accuracy of the exported weights on the held-out faces at 48 px.
    pub model_holdout_accuracy: Option<f64>,
    /// Mean negative log-likelihood of the exported weights at the model's temperature on the held-out faces, nats.
    pub model_holdout_log_loss: Option<f64>,
    /// Accuracy of the model file on all test faces.
    pub test_accuracy: Option<f64>,
    /// Accuracy on the PublicTest faces.
    pub public_test_accuracy: Option<f64>,
    /// Accuracy on the PrivateTest faces.
    pub private_test_accuracy: Option<f64>,
    /// Accuracy on the test faces that are not also training faces.
    pub test_not_in_train_accuracy: Option<f64>,
}

/// Returns the rows of a run: one per current export, or one if there are none.
pub fn rows(run: &PlannedRun, state: &RunState, layout: &Layout) -> Vec<Row> {
    let current = run.exports.iter().zip(&state.exports);
    let current: Vec<&Export> = current
        .filter(|(_, state)| **state == ExportState::Current)
        .map(|(export, _)| export)
        .collect();
    let first_model = current.first().map(|export| layout.model(&export.path));
    let folder = match (state.folder, &first_model) {
        (FolderState::Missing, Some(model)) => model.parent().map(Path::to_owned),
        _ => Some(layout.run(&run.name)),
    };
    // A missing or damaged history leaves the columns empty.
    let history = folder
        .and_then(|folder| history::read(&folder).ok())
        .unwrap_or_default();
    let row = Row {
        state: state_name(state),
        ..from_history(run, &history)
    };
    if current.is_empty() {
        return vec![row];
    }
    current
        .into_iter()
        .map(|export| with_export(row.clone(), export, layout))
        .collect()
}

fn state_name(state: &RunState) -> &'static str {
    match state.folder {
        FolderState::Finished => "finished",
        _ if state.exports.contains(&ExportState::Current) => "exported",
        FolderState::Interrupted { .. } => "interrupted",
        FolderState::Missing => "waiting",
    }
}

fn from_history(run: &PlannedRun, history: &[EpochRow]) -> Row {
    let last = history.last();
    Row {
        run: run.name.clone(),
        architecture: run.architecture.clone(),
        epochs: history.len(),
        planned_epochs: run.recipe.epochs,
        training_seconds: history.iter().map(|row| row.seconds).sum(),
        holdout_accuracy: last.and_then(|row| row.holdout_accuracy),
        holdout_log_loss: last.and_then(|row| row.holdout_loss),
        ..Row::default()
    }
}

fn with_export(row: Row, export: &Export, layout: &Layout) -> Row {
    let report = layout
        .model(&export.path)
        .parent()
        .and_then(ModelReport::read);
    let row = Row {
        model: Some(export.path.display().to_string()),
        ..row
    };
    let Some(report) = report else { return row };
    let holdout = report.holdout.as_ref();
    let test = report.test.as_ref();
    let split = |usage| test.and_then(|test: &Test| test.report.splits.get(&usage)?.accuracy);
    let duplicates = test.and_then(|test| test.duplicates.as_ref());
    Row {
        model_holdout_accuracy: holdout.and_then(|holdout| holdout.score.accuracy),
        model_holdout_log_loss: holdout.and_then(|holdout| holdout.after.log_loss),
        test_accuracy: test.and_then(|test| test.report.score.accuracy),
        public_test_accuracy: split(Usage::PublicTest),
        private_test_accuracy: split(Usage::PrivateTest),
        test_not_in_train_accuracy: duplicates.and_then(|found| found.without.score.accuracy),
        ..row
    }
}

/// Writes both tables to a folder, which is created if needed.
///
/// # Errors
/// Returns an error if the folder cannot be written.
pub fn write(folder: &Path, rows: &[Row]) -> Result<(), SummaryError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |reason| SummaryError { path, reason }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let csv = csv(rows).map_err(failed(&folder.join(CSV)))?;
    for (name, text) in [(CSV, csv), (MARKDOWN, markdown(rows).into_bytes())] {
        let path = folder.join(name);
        atomic_file::write(&path, &text).map_err(failed(&path))?;
    }
    Ok(())
}

fn csv(rows: &[Row]) -> io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row)?;
    }
    writer.into_inner().map_err(csv::IntoInnerError::into_error)
}

/// Returns the table as Markdown, with figures in percent and times as `h:mm:ss`.
fn markdown(rows: &[Row]) -> String {
    let mut text = "| run | network | state | epochs | time | held out | log-loss | model | held out | log-loss | test \
                    | PublicTest | PrivateTest | test, not in train |\n"
        .to_owned();
    text += &format!("|{}\n", "---|".repeat(14));
    let percent = |share: Option<f64>| format::percent(share, 2);
    let loss = |loss: Option<f64>| loss.map_or_else(|| "–".to_owned(), |l| format!("{l:.4}"));
    for row in rows {
        text += &format!(
            "| {} | {} | {} | {}/{} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
            row.run,
            row.architecture,
            row.state,
            row.epochs,
            row.planned_epochs,
            format_hms(row.training_seconds),
            percent(row.holdout_accuracy),
            loss(row.holdout_log_loss),
            row.model.as_deref().unwrap_or("–"),
            percent(row.model_holdout_accuracy),
            loss(row.model_holdout_log_loss),
            percent(row.test_accuracy),
            percent(row.public_test_accuracy),
            percent(row.private_test_accuracy),
            percent(row.test_not_in_train_accuracy),
        );
    }
    text
}
