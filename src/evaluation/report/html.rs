//! The HTML report of an evaluation.

mod comparison;
mod confidence;
mod groups;
mod images;

use maud::{Markup, html};
use mien_faces::report::{
    Confused, Report, Score,
    format::{self, count, decimal, interval, percent},
};

pub use self::comparison::html as comparison;
use super::{
    Subject,
    charts::{Scale, confusion_matrix},
    components::{
        card, expression_with_icon, no_break_percent, origin, scrollable, table, table_head, tile,
    },
    face_images::FaceImages,
    icons::{definitions, tint},
    layout::page,
    summary,
};
use crate::evaluation::Evaluation;

/// Renders one self-contained page.
pub fn html(subject: &Subject, evaluation: &Evaluation, faces: &FaceImages) -> String {
    let Evaluation {
        report,
        mistakes,
        unreadable,
        ..
    } = evaluation;
    let head = html! {
        p.kicker { "Evaluation" }
        h1 { (subject.model) " " span.version { "version " (subject.version) } }
        p.lead {
            (subject.images())
            @if let Some(time) = &subject.finished { " · " time datetime=(time) { (format::when(&time.to_string())) } }
        }
    };
    let content = html! {
        (definitions())
        section.card.summary {
            @for sentence in summary::evaluation(evaluation) { p { (no_break_percent(&sentence)) } }
        }
        (tiles(evaluation))
        (card("Accuracy by subset", &subsets(evaluation)))
        @if !evaluation.groups.is_empty() {
            (card("Accuracy by group", &groups::scores(&evaluation.groups)))
        }
        (card("Confusion matrix", &confusion(report)))
        div.columns {
            (card("Scores by expression", &classes(report)))
            (card("Most frequent confusions", &confusions(&report.confusions)))
        }
        @if !report.calibration.bins.is_empty() {
            (card("Calibration", &confidence::calibration(report)))
        }
        @if !report.risk_coverage.points.is_empty() {
            (card("Accuracy by minimum confidence", &confidence::risk_coverage(&report.risk_coverage)))
        }
        @if !mistakes.is_empty() {
            (card("Most confident mistakes", &images::mistakes(mistakes, faces)))
        }
        @if unreadable.count > 0 {
            (card("Unreadable images", &images::unreadable(unreadable)))
        }
        (card("Model, data and methods", &html! { (origin(subject)) (methods()) }))
    };
    page(
        &format!("{} on {}", subject.title(), subject.images()),
        &head,
        &content,
        subject.notice.as_ref(),
    )
}

fn tiles(evaluation: &Evaluation) -> Markup {
    let report = &evaluation.report;
    let note = format!(
        "images per second; {} in total",
        format::duration(evaluation.seconds)
    );
    html! {
        dl.tiles.led {
            (tile("Accuracy", percent(report.score.accuracy, 2), interval(report.score.interval)))
            (tile("Macro-F1", decimal(report.macro_f1), "mean over classes"))
            (tile("Balanced accuracy", percent(report.balanced_accuracy, 2), "mean recall over classes"))
            (tile("Calibration error", percent(report.expected_calibration_error, 2), "expected, 15 bins"))
            (tile("Log loss", decimal(report.log_loss), html! { "Brier score " (decimal(report.brier)) }))
            (tile("Throughput", format::rate(evaluation.images_per_second), note))
        }
    }
}

/// The scores of all images and of subsets.
fn subsets(evaluation: &Evaluation) -> Markup {
    let report = &evaluation.report;
    let mut rows = vec![("All images".to_owned(), &report.score)];
    rows.extend(
        report
            .splits
            .iter()
            .map(|(usage, score)| (usage.name().to_owned(), score)),
    );
    if let Some(without) = &evaluation.without_duplicates {
        let name = format!("Without the {} also in train", count(without.removed));
        rows.push((name, &without.score));
    }
    let scale = Scale::of(rows.iter().filter_map(|(_, score)| score.interval));
    let head = table_head(
        &["Subset"],
        &["Correct", "Images", "Accuracy", "95 % interval", ""],
    );
    let rows = html! {
        tbody {
            @for (name, score) in &rows { (subset(name, score, &scale)) }
        }
        tfoot { tr { td colspan="5" {} td.plot { (scale.axis(|tick| format!("{tick} %"))) } } }
    };
    table("Accuracy by subset", &head, &rows)
}

fn subset(name: &str, score: &Score, scale: &Scale) -> Markup {
    html! {
        tr {
            th scope="row" { (name) }
            (score_cells(score, scale))
        }
    }
}

/// The cells with the numbers of a score and its plot.
fn score_cells(score: &Score, scale: &Scale) -> Markup {
    html! {
        td.number { (count(score.correct)) }
        td.number { (count(score.total)) }
        td.number { strong { (percent(score.accuracy, 2)) } }
        td.number { (interval(score.interval)) }
        td.plot {
            @if let Some((accuracy, bounds)) = score.accuracy.zip(score.interval) {
                (scale.whisker(accuracy, bounds))
            }
        }
    }
}

fn confusion(report: &Report) -> Markup {
    html! {
        (scrollable("Confusion matrix", &confusion_matrix(&report.confusion)))
        p.note { "Rows: label. Columns: prediction. Each cell has its share of the row in percent and the number of images." }
    }
}

fn classes(report: &Report) -> Markup {
    let head = table_head(&["Expression"], &["Images", "Precision", "Recall", "F1"]);
    let rows = html! {
        tbody {
            @for class in &report.classes {
                tr {
                    th scope="row" { (expression_with_icon(class.label)) }
                    td.number { (count(class.support)) }
                    td.number { (percent(class.precision, 1)) }
                    td.number { (percent(class.recall, 1)) }
                    td.number { (decimal(class.f1)) }
                }
            }
        }
    };
    table("Scores by expression", &head, &rows)
}

fn confusions(rows: &[Confused]) -> Markup {
    let Some(most) = rows.iter().map(|row| row.images).max() else {
        return html! { p.note { "There are no confusions." } };
    };
    html! {
        ol.confusions {
            @for Confused { label, prediction, images, share } in rows {
                li class=(tint(*prediction)) {
                    span { (label.label()) " as " strong { (prediction.label()) } }
                    svg.bar viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
                        rect.track width="100" height="8" {}
                        rect.fill width=(format!("{:.1}", 100.0 * *images as f64 / most as f64)) height="8" {}
                    }
                    span.number { (count(*images)) small { " · " (percent(*share, 0)) } }
                }
            }
        }
    }
}

fn methods() -> Markup {
    html! {
        p.note {
            "Intervals of accuracies are Wilson score intervals (1927). The expected calibration error follows Guo et al. (2017) with 15 bins of \
            confidence. The Brier score is the sum of the squared errors of the seven probabilities, 0 to 2. An image counts as being in the \
            training data if all pixels are equal."
        }
    }
}
