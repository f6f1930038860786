//! Markdown tables of reports.

use mien_faces::{
    expression::Expression,
    report::{
        Report, Score,
        format::{NO_VALUE, percent},
    },
};

use super::{Calibration, ModelReport, TemperatureSource, Test};

/// Header of a table whose rows are [`row`]s.
pub(super) const ACCURACY_HEADER: &str =
    "| faces | count | correct | accuracy | 95 % interval |\n|---|---|---|---|---|\n";

/// Suffix of rows without the test faces that are also training faces.
pub(super) const WITHOUT_DUPLICATES: &str = ", without faces that are also in train";

/// Formats a log-loss in nats; a dash if there is none.
pub(super) fn loss(loss: Option<f64>) -> String {
    loss.map_or_else(|| NO_VALUE.to_owned(), |loss| format!("{loss:.4}"))
}

/// Returns a row of a table with [`ACCURACY_HEADER`].
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

/// Returns the table of accuracies with their intervals.
pub(super) fn accuracies(report: &ModelReport) -> String {
    let mut text = ACCURACY_HEADER.to_owned();
    if let Some(holdout) = &report.holdout {
        let name = match &holdout.of_run {
            None => "held-out training faces".to_owned(),
            Some(run) => format!("held-out training faces and weights of `{run}`"),
        };
        text += &row(&name, &holdout.score);
    }
    let Some(test) = &report.test else {
        return text;
    };
    text += &splits("", &test.report);
    if let Some(duplicates) = &test.duplicates {
        text += &splits(WITHOUT_DUPLICATES, &duplicates.without);
    }
    if let Some(tta) = &test.tta {
        let views = format!(
            ", mean of {} views (`tta = \"{}\"`)",
            tta.views,
            tta.kind.name()
        );
        text += &splits(&views, &tta.report);
    }
    text
}

/// Returns one row for all test faces and one row per split. `suffix` is appended to the names of the rows.
pub(super) fn splits(suffix: &str, report: &Report) -> String {
    let parts = report
        .splits
        .iter()
        .map(|(usage, score)| (usage.name(), score));
    let all = std::iter::once(("test", &report.score)).chain(parts);
    all.map(|(name, score)| row(&format!("{name}{suffix}"), score))
        .collect()
}

/// Returns the table of calibration before and after the temperature.
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
        add(
            "held-out training faces",
            Some(holdout.before),
            holdout.after,
        );
    }
    if let Some(test) = &report.test {
        add("test", test.before, Calibration::of(&test.report));
    }
    text
}

/// Describes the temperature and its source.
pub(super) fn temperature(report: &ModelReport) -> String {
    let value = report.temperature.value;
    match &report.temperature.source {
        TemperatureSource::Holdout => {
            format!("{value:.4}, fitted on the held-out training faces")
        }
        TemperatureSource::HoldoutOf(run) => {
            format!(
                "{value:.4}, fitted on the held-out training faces of `{run}`, a run with the same recipe"
            )
        }
        TemperatureSource::Given => format!("{value}, set at export"),
        TemperatureSource::NotFitted => "1, not fitted".to_owned(),
    }
}

/// Returns the table of precision, recall and F1 per class.
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

/// Returns the confusion matrix as counts. Rows are labels, columns are predictions.
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
