//! Figures as rows of Markdown tables.

use mien_faces::{
    expression::Expression,
    report::{
        Report, Score,
        format::{NO_VALUE, percent},
    },
};

use super::{Calibration, ModelReport, TemperatureSource, Test};

/// The head of a table whose rows are [`row`]s.
pub(super) const ACCURACY_HEADER: &str =
    "| faces | count | right | accuracy | 95 % interval |\n|---|---|---|---|---|\n";

/// A log-loss in nats; a dash where there is none.
pub(super) fn loss(loss: Option<f64>) -> String {
    loss.map_or_else(|| NO_VALUE.to_owned(), |loss| format!("{loss:.4}"))
}

pub(super) fn row(name: &str, score: &Score) -> String {
    let interval = score.interval.map_or_else(
        || NO_VALUE.to_owned(),
        |[low, high]| format!("{:.2} to {:.2}", 100.0 * low, 100.0 * high),
    );
    let accuracy = percent(score.accuracy, 2);
    format!(
        "| {name} | {} | {} | {accuracy} | {interval} |\n",
        score.total, score.correct
    )
}

/// Accuracies with their intervals.
pub(super) fn accuracies(report: &ModelReport) -> String {
    let mut text = ACCURACY_HEADER.to_owned();
    if let Some(holdout) = &report.holdout {
        let name = match &holdout.of_run {
            None => "held out of train".to_owned(),
            Some(run) => format!("held out of train by `{run}`, its weights"),
        };
        text += &row(&name, &holdout.score);
    }
    let Some(test) = &report.test else {
        return text;
    };
    text += &splits("whole test", "", &test.report);
    if let Some(duplicates) = &test.duplicates {
        text += &splits(
            "whole test",
            " without faces that lie in train",
            &duplicates.without,
        );
    }
    if let Some(tta) = &test.tta {
        let views = format!(
            ", mean of {} views (`tta = \"{}\"`)",
            tta.views,
            tta.kind.name()
        );
        text += &splits("whole test", &views, &tta.report);
    }
    text
}

pub(super) fn splits(whole: &str, what: &str, report: &Report) -> String {
    let parts = report
        .splits
        .iter()
        .map(|(usage, score)| (usage.name(), score));
    let all = std::iter::once((whole, &report.score)).chain(parts);
    all.map(|(name, score)| row(&format!("{name}{what}"), score))
        .collect()
}

/// Calibration before and after the temperature.
pub(super) fn calibration(report: &ModelReport) -> String {
    let mut text =
        "| faces | ECE at T = 1 | ECE | log-loss at T = 1 | log-loss |\n|---|---|---|---|---|\n"
            .to_owned();
    let mut add = |name: &str, before: Option<Calibration>, after: Calibration| {
        let error =
            |c: Option<Calibration>| percent(c.and_then(|c| c.expected_calibration_error), 2);
        let loss = |c: Option<Calibration>| loss(c.and_then(|c| c.log_loss));
        let [(e0, l0), (e1, l1)] = [before, Some(after)].map(|c| (error(c), loss(c)));
        text += &format!("| {name} | {e0} | {e1} | {l0} | {l1} |\n");
    };
    if let Some(holdout) = &report.holdout {
        add("held out", Some(holdout.before), holdout.after);
    }
    if let Some(test) = &report.test {
        add("whole test", test.before, Calibration::of(&test.report));
    }
    text
}

/// The temperature in a sentence's part.
pub(super) fn temperature(report: &ModelReport) -> String {
    let value = report.temperature.value;
    match &report.temperature.source {
        TemperatureSource::Holdout => {
            format!("{value:.4}, fitted on the faces held out of train")
        }
        TemperatureSource::HoldoutOf(run) => {
            format!(
                "{value:.4}, fitted on the faces that `{run}`, the same recipe, held out of train"
            )
        }
        TemperatureSource::Given => format!("{value}, as named at export"),
        TemperatureSource::NotFitted => "1: none was fitted".to_owned(),
    }
}

/// Precision, recall and F1 of each class.
pub(super) fn classes(report: &Report) -> String {
    let mut text =
        "| class | faces | precision | recall | F1 |\n|---|---|---|---|---|\n".to_owned();
    for class in &report.classes {
        let [precision, recall, f1] =
            [class.precision, class.recall, class.f1].map(|share| percent(share, 2));
        text += &format!(
            "| {} | {} | {precision} | {recall} | {f1} |\n",
            class.label, class.support
        );
    }
    text + &format!(
        "| mean | | | {} | {} |\n",
        percent(report.balanced_accuracy, 2),
        percent(report.macro_f1, 2)
    )
}

/// Counts, rows the labels.
pub(super) fn confusion(test: &Test) -> String {
    let mut text = "| label \\ prediction |".to_owned();
    for class in Expression::ALL {
        text += &format!(" {class} |");
    }
    text += &format!("\n|{}\n", "---|".repeat(Expression::COUNT + 1));
    for label in Expression::ALL {
        text += &format!("| **{label}** |");
        for prediction in Expression::ALL {
            text += &format!(" {} |", test.report.confusion.count(label, prediction));
        }
        text.push('\n');
    }
    text
}
