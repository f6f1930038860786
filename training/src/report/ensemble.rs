//! Report of an ensemble: `report.json` and the card that is generated from it.

use mien_faces::report::{Report, Score, format::percent};
use serde::{Deserialize, Serialize};

use super::{DuplicateReport, card::Card, tables};
use crate::plot;

/// All figures of an ensemble.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EnsembleReport {
    /// Creation time, RFC 3339, UTC.
    pub created: String,
    /// SHA-256 of the training split, 64 hex digits.
    pub data_sha256: String,
    /// The members in the sequence in which they were selected.
    pub members: Vec<MemberReport>,
    /// All candidates on the held-out faces.
    pub candidates: Vec<CandidateReport>,
    /// The ensemble on the held-out faces.
    pub holdout: Report,
    /// The members with equal weights on the held-out faces.
    pub equal_weights: Report,
    /// The ensemble on the test faces; absent if the data set has none.
    pub test: Option<EnsembleTest>,
}

/// A member of an ensemble.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberReport {
    /// `NAME@VERSION`.
    pub model: String,
    /// SHA-256 of its model file, 64 hex digits.
    pub sha256: String,
    /// Its weight, in (0, 1].
    pub weight: f64,
}

/// A candidate on the held-out faces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandidateReport {
    /// `NAME@VERSION`.
    pub model: String,
    /// SHA-256 of its model file, 64 hex digits.
    pub sha256: String,
    /// Accuracy.
    #[serde(flatten)]
    pub score: Score,
    /// Mean negative log-likelihood, nats.
    pub log_loss: Option<f64>,
    /// Whether it is a member.
    pub selected: bool,
}

/// An ensemble on the test faces. Nothing is chosen by these figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EnsembleTest {
    /// All test faces.
    #[serde(flatten)]
    pub report: Report,
    /// Faces that occur more than once, and the figures without them.
    pub duplicates: DuplicateReport,
}

/// Returns the card of an ensemble: its members, how they were chosen, and how accurate it is.
pub fn card(report: &EnsembleReport) -> String {
    let test = report.test.as_ref();
    let card = Card {
        name: "ensemble",
        title: format!("Ensemble of {} networks", report.members.len()),
        model_details: format!(
            "The ensemble returns the weighted mean of its members' probabilities. [`mien.toml`](mien.toml) lists the members.\n\n{}",
            members(report)
        ),
        test: test.map(|test| (&test.report, Some(&test.duplicates))),
        training_data: selection(report),
        quantitative_analyses: quantitative_analyses(report),
        reproduction: reproduction(report),
    };
    card.render()
}

fn quantitative_analyses(report: &EnsembleReport) -> String {
    let mut text = accuracies(report);
    text += "\nIntervals are Wilson score intervals. The finished ensemble was evaluated on the test faces once, with ONNX \
             Runtime. No member and no weight was chosen on them.\n";
    if let Some(test) = &report.test {
        text += &format!("\n{}", tables::classes(&test.report));
    }
    text += &format!("\n{}", losses(report));
    if report.test.is_some() {
        text += &format!("\n![confusion]({})\n", plot::CONFUSION);
    }
    text + &format!("\n[`{}`]({0}) has all figures.\n", super::JSON)
}

fn members(report: &EnsembleReport) -> String {
    let mut text = "| member | weight | SHA-256 of `model.onnx` |\n|---|---|---|\n".to_owned();
    for member in &report.members {
        text += &format!(
            "| {} | {} | `{}` |\n",
            link(&member.model),
            member.weight,
            member.sha256
        );
    }
    text
}

/// Links to the card of a member.
fn link(model: &str) -> String {
    match model.rsplit_once('@') {
        Some((name, version)) => format!("[`{model}`](../../{name}/{version}/README.md)"),
        None => format!("`{model}`"),
    }
}

fn selection(report: &EnsembleReport) -> String {
    let mut text = format!(
        "Candidates were added one by one, each time the one that lowered the log-loss of the held-out faces the most \
         (Caruana et al. 2004, \"Ensemble selection from libraries of models\"). The weights minimise the same log-loss. \
         No candidate was trained on these {} training faces. The SHA-256 of the training split is `{}`.\n\n",
        report.holdout.score.total, report.data_sha256
    );
    text += "| candidate | log-loss | accuracy | member |\n|---|---|---|---|\n";
    for candidate in &report.candidates {
        let member = if candidate.selected { "yes" } else { "no" };
        text += &row(
            &link(&candidate.model),
            candidate.log_loss,
            &candidate.score,
            member,
        );
    }
    let [equal, whole] = [&report.equal_weights, &report.holdout];
    text += &row("members, equal weights", equal.log_loss, &equal.score, "");
    text + &row("**ensemble**", whole.log_loss, &whole.score, "")
}

fn row(name: &str, log_loss: Option<f64>, score: &Score, member: &str) -> String {
    let loss = tables::loss(log_loss);
    format!(
        "| {name} | {loss} | {} | {member} |\n",
        percent(score.accuracy, 2)
    )
}

fn accuracies(report: &EnsembleReport) -> String {
    let mut text = tables::ACCURACY_HEADER.to_owned();
    text += &tables::row("held-out training faces", &report.holdout.score);
    if let Some(test) = &report.test {
        text += &tables::splits("", &test.report);
        let without = &test.duplicates.without;
        text += &tables::splits(tables::WITHOUT_DUPLICATES, without);
    }
    text
}

fn losses(report: &EnsembleReport) -> String {
    let mut text = "| faces | ECE | log-loss |\n|---|---|---|\n".to_owned();
    let test = report.test.as_ref().map(|test| ("test", &test.report));
    for (name, report) in std::iter::once(("held-out training faces", &report.holdout)).chain(test)
    {
        let error = percent(report.expected_calibration_error, 2);
        text += &format!("| {name} | {error} | {} |\n", tables::loss(report.log_loss));
    }
    text
}

fn reproduction(report: &EnsembleReport) -> String {
    let candidates = report
        .candidates
        .iter()
        .map(|c| format!(" --candidate {}", c.model));
    let candidates: String = candidates.collect();
    format!(
        "`DIR` contains `train/<class>/` and `test/<class>/`, or `fer2013.csv`.\n\n```sh\n\
         cargo xtask train ensemble --data DIR --models models{candidates} --out models/ensemble/VERSION\n```\n"
    )
}
