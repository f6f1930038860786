//! Reports in GitHub Flavored Markdown, because reports need tables.

mod comparison;
mod groups;
mod syntax;

use std::fmt::{self, Write as _};

use mien_faces::{
    expression::Expression,
    report::{
        ClassScore, Report, Score,
        format::{self, count, decimal, images, interval, percent},
    },
};

pub use self::comparison::comparison;
use self::syntax::{escape, heading, table};
use super::{Subject, summary};
use crate::evaluation::Evaluation;

/// Renders the report of an evaluation.
pub fn markdown(subject: &Subject, evaluation: &Evaluation) -> String {
    let mut text = String::new();
    write(&mut text, subject, evaluation).expect("writing to a string does not fail");
    text
}

fn write(text: &mut String, subject: &Subject, evaluation: &Evaluation) -> fmt::Result {
    let report = &evaluation.report;
    writeln!(
        text,
        "# {} on {}\n",
        escape(&subject.title()),
        escape(&subject.images())
    )?;
    for sentence in summary::evaluation(evaluation) {
        writeln!(text, "{}", escape(&sentence))?;
    }
    table(text, 1, &["", "value"], numbers(evaluation))?;
    subsets(text, evaluation)?;
    heading(text, "Scores by expression")?;
    let class = |c: &ClassScore| {
        let [precision, recall] = [c.precision, c.recall].map(|ratio| percent(ratio, 1));
        vec![
            c.label.to_string(),
            count(c.support),
            precision,
            recall,
            decimal(c.f1),
        ]
    };
    table(
        text,
        1,
        &["expression", "images", "precision", "recall", "F1"],
        report.classes.iter().map(class),
    )?;
    groups::scores(text, &evaluation.groups)?;
    confusion(text, report)?;
    calibration(text, report)?;
    risk_coverage(text, report)?;
    mistakes(text, evaluation)?;
    unreadable(text, evaluation)?;
    origin(text, "Model and data", subject)?;
    notice(text, subject)
}

fn numbers(evaluation: &Evaluation) -> Vec<Vec<String>> {
    let report = &evaluation.report;
    let throughput = format::rate(evaluation.images_per_second);
    let rows = [
        ("Accuracy", percent(report.score.accuracy, 2)),
        ("95 % interval", interval(report.score.interval)),
        ("Macro-F1", decimal(report.macro_f1)),
        ("Balanced accuracy", percent(report.balanced_accuracy, 2)),
        ("Log loss", decimal(report.log_loss)),
        ("Brier score", decimal(report.brier)),
        (
            "Expected calibration error",
            percent(report.expected_calibration_error, 2),
        ),
        ("Images per second", throughput),
        ("Duration", format::duration(evaluation.seconds)),
    ];
    rows.map(|(name, value)| vec![name.to_owned(), value])
        .to_vec()
}

fn subsets(text: &mut String, evaluation: &Evaluation) -> fmt::Result {
    let subset = |name: String, score: &Score| {
        let accuracy = percent(score.accuracy, 2);
        vec![
            name,
            count(score.correct),
            count(score.total),
            accuracy,
            interval(score.interval),
        ]
    };
    let mut rows: Vec<_> = evaluation
        .report
        .splits
        .iter()
        .map(|(usage, score)| subset(usage.name().to_owned(), score))
        .collect();
    if let Some(without) = &evaluation.without_duplicates {
        let name = format!("without the {} also in train", count(without.removed));
        rows.push(subset(name, &without.score));
    }
    if rows.is_empty() {
        return Ok(());
    }
    heading(text, "Accuracy by subset")?;
    table(
        text,
        1,
        &["subset", "correct", "images", "accuracy", "95 % interval"],
        rows,
    )
}

fn confusion(text: &mut String, report: &Report) -> fmt::Result {
    heading(text, "Confusion matrix")?;
    let columns: Vec<_> = [""]
        .into_iter()
        .chain(Expression::ALL.map(Expression::label))
        .collect();
    let row = |truth: Expression| {
        let counts =
            Expression::ALL.map(|prediction| count(report.confusion.count(truth, prediction)));
        [format!("**{truth}**")].into_iter().chain(counts).collect()
    };
    table(text, 1, &columns, Expression::ALL.map(row))?;
    if report.confusions.is_empty() {
        return Ok(());
    }
    heading(text, "Most frequent confusions")?;
    let rows = report.confusions.iter().map(|pair| {
        let (label, prediction) = (pair.label.to_string(), pair.prediction.to_string());
        vec![
            label,
            prediction,
            count(pair.images),
            percent(pair.share, 1),
        ]
    });
    table(
        text,
        2,
        &["label", "prediction", "images", "share of the label"],
        rows,
    )
}

fn calibration(text: &mut String, report: &Report) -> fmt::Result {
    heading(text, "Calibration")?;
    let filled = report.calibration.bins.iter().filter(|bin| bin.images > 0);
    let rows = filled.map(|bin| {
        let range = format!("{:.0} – {}", 100.0 * bin.lower, percent(bin.upper, 0));
        vec![
            range,
            count(bin.images),
            percent(bin.confidence, 1),
            percent(bin.accuracy, 1),
        ]
    });
    table(
        text,
        1,
        &["confidence", "images", "mean confidence", "accuracy"],
        rows,
    )
}

fn risk_coverage(text: &mut String, report: &Report) -> fmt::Result {
    if report.risk_coverage.points.is_empty() {
        return Ok(());
    }
    heading(text, "Accuracy by minimum confidence")?;
    let rows = report.risk_coverage.points.iter().map(|point| {
        vec![
            percent(point.coverage, 0),
            percent(f64::from(point.min_confidence), 1),
            percent(point.accuracy, 1),
        ]
    });
    table(
        text,
        0,
        &["answered images", "minimum confidence", "accuracy"],
        rows,
    )
}

fn mistakes(text: &mut String, evaluation: &Evaluation) -> fmt::Result {
    if evaluation.mistakes.is_empty() {
        return Ok(());
    }
    heading(text, "Most confident mistakes")?;
    let rows = evaluation.mistakes.iter().map(|mistake| {
        let (label, prediction) = (mistake.label.to_string(), mistake.prediction.to_string());
        vec![
            escape(&mistake.name),
            label,
            prediction,
            percent(f64::from(mistake.confidence), 1),
        ]
    });
    table(
        text,
        3,
        &["image", "label", "prediction", "confidence"],
        rows,
    )
}

fn unreadable(text: &mut String, evaluation: &Evaluation) -> fmt::Result {
    let unreadable = &evaluation.unreadable;
    if unreadable.count == 0 {
        return Ok(());
    }
    heading(text, "Unreadable images")?;
    writeln!(
        text,
        "\n{}, which are not scored; the first ones are:\n",
        images(unreadable.count as u64)
    )?;
    for image in &unreadable.images {
        writeln!(text, "- {}: {}", escape(&image.name), escape(&image.detail))?;
    }
    Ok(())
}

/// Writes the notice of the operator, if there is one.
fn notice(text: &mut String, subject: &Subject) -> fmt::Result {
    match &subject.notice {
        Some(notice) => writeln!(text, "\n{}", escape(notice.as_str())),
        None => Ok(()),
    }
}

fn origin(text: &mut String, name: &str, subject: &Subject) -> fmt::Result {
    heading(text, name)?;
    let rows = subject
        .origin()
        .into_iter()
        .map(|(name, value)| vec![name.to_owned(), escape(&value)]);
    table(text, 2, &["", "value"], rows)
}
