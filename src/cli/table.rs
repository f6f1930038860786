//! Prints an evaluation as text.

mod comparison;
mod groups;

use std::fmt::{self, Write as _};

use mien_faces::{
    expression::Expression,
    report::{Report, Score, format},
};

pub(super) use self::comparison::comparison;
use crate::evaluation::Evaluation;

/// Formats accuracy, scores per class and per group, and the confusion matrix.
pub(super) fn evaluation(evaluation: &Evaluation) -> String {
    let mut text = String::new();
    write(&mut text, evaluation).expect("writing to a string does not fail");
    text
}

fn write(text: &mut String, evaluation: &Evaluation) -> fmt::Result {
    let Evaluation {
        report,
        unreadable,
        seconds,
        images_per_second,
        ..
    } = evaluation;
    writeln!(text, "accuracy     {}", score(&report.score))?;
    for (usage, part) in &report.splits {
        writeln!(text, "  {:11}{}", usage.name(), score(part))?;
    }
    if let Some(without) = &evaluation.without_duplicates {
        let removed = without.removed;
        let without = score(&without.score);
        writeln!(
            text,
            "  test only  {without}, without {removed} images that are also in train"
        )?;
    }
    if !evaluation.left_out.is_empty() {
        writeln!(text, "not listed   {}", evaluation.left_out)?;
    }
    summary(text, report)?;
    classes(text, report)?;
    groups::scores(text, &evaluation.groups)?;
    confusion(text, report)?;
    writeln!(text, "{seconds:.1} s, {images_per_second:.1} images/s")?;
    if unreadable.count > 0 {
        writeln!(
            text,
            "\n{} unreadable and not scored:",
            format::images(unreadable.count as u64)
        )?;
        for image in &unreadable.images {
            writeln!(text, "  {}: {}", image.name, image.detail)?;
        }
        let unnamed = unreadable.count - unreadable.images.len();
        if unnamed > 0 {
            writeln!(text, "  and {unnamed} more")?;
        }
    }
    Ok(())
}

fn score(score: &Score) -> String {
    let [low, high] = score
        .interval
        .map_or([None, None], |interval| interval.map(Some));
    format!(
        "{}   {} of {} images, 95 % interval {} to {}",
        percent(score.accuracy),
        score.correct,
        score.total,
        percent(low).trim_start(),
        percent(high).trim_start()
    )
}

fn summary(text: &mut String, report: &Report) -> fmt::Result {
    writeln!(text, "macro F1     {}", percent(report.macro_f1))?;
    writeln!(
        text,
        "balanced     {}   mean recall of the classes",
        percent(report.balanced_accuracy)
    )?;
    let calibration = percent(report.expected_calibration_error);
    writeln!(
        text,
        "calibration  {calibration}   expected calibration error"
    )?;
    writeln!(
        text,
        "log loss     {}\n",
        report
            .log_loss
            .map_or(format::NO_VALUE.to_owned(), |loss| format!("{loss:.4}"))
    )
}

fn classes(text: &mut String, report: &Report) -> fmt::Result {
    writeln!(
        text,
        "{:9}{:>8}{:>12}{:>10}{:>10}",
        "class", "images", "precision", "recall", "F1"
    )?;
    for class in &report.classes {
        let [precision, recall, f1] = [class.precision, class.recall, class.f1].map(percent);
        writeln!(
            text,
            "{:9}{:>8}{precision:>12}{recall:>10}{f1:>10}",
            class.label.label(),
            class.support
        )?;
    }
    writeln!(text)
}

fn confusion(text: &mut String, report: &Report) -> fmt::Result {
    write!(text, "{:9}", "predicted")?;
    for prediction in Expression::ALL {
        write!(text, "{:>9}", prediction.label())?;
    }
    writeln!(text)?;
    for truth in Expression::ALL {
        write!(text, "{:9}", truth.label())?;
        for prediction in Expression::ALL {
            write!(text, "{:>9}", report.confusion.count(truth, prediction))?;
        }
        writeln!(text)?;
    }
    writeln!(text)
}

/// Formats a ratio in percent, right-aligned in eight columns.
fn percent(ratio: Option<f64>) -> String {
    format!("{:>8}", format::percent(ratio, 2))
}
