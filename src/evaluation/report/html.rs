//! The page of an evaluation.

mod comparison;

use maud::{Markup, html};
use mien_faces::report::{
    Confused, Mistake, Report, Score,
    format::{self, count, decimal, images, interval, percent},
};

pub use self::comparison::html as comparison;
use super::{
    Subject,
    charts::{Scale, heat, reliability},
    components::{card, columns, face, named, origin, tile, unbroken},
    face_images::FaceImages,
    icons::{defined, tint},
    layout::page,
    summary,
};
use crate::evaluation::{Evaluation, Unreadable};

/// One self-contained page.
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
        (defined())
        section.card.summary {
            @for sentence in summary::evaluation(evaluation) { p { (unbroken(&sentence)) } }
        }
        (tiles(evaluation))
        (card("In parts", &parts(evaluation)))
        (card("What is taken for what", &confusion(report)))
        div.columns {
            (card("Each expression", &classes(report)))
            (card("Most frequent confusions", &confusions(&report.confusions)))
        }
        @if !report.calibration.bins.is_empty() {
            (card("Is it as sure as it is right?", &calibration(report)))
        }
        @if !mistakes.is_empty() {
            (card("Most confident mistakes", &gallery(mistakes, faces)))
        }
        @if unreadable.count > 0 {
            (card("Images that could not be read", &self::unreadable(unreadable)))
        }
        (card("Where it comes from", &html! { (origin(subject)) (methods()) }))
    };
    page(
        &format!("{} on {}", subject.title(), subject.images()),
        &head,
        &content,
    )
}

fn tiles(evaluation: &Evaluation) -> Markup {
    let report = &evaluation.report;
    let took = format!(
        "images a second; {} in all",
        format::duration(evaluation.seconds)
    );
    html! {
        dl.tiles.led {
            (tile("Accuracy", percent(report.score.accuracy, 2), interval(report.score.interval)))
            (tile("Macro-F1", decimal(report.macro_f1), "mean of the classes"))
            (tile("Balanced accuracy", percent(report.balanced_accuracy, 2), "mean recall of the classes"))
            (tile("Calibration error", percent(report.expected_calibration_error, 2), "expected, 15 bins"))
            (tile("Log-loss", decimal(report.log_loss), html! { "Brier score " (decimal(report.brier)) }))
            (tile("Speed", format::rate(evaluation.images_per_second), took))
        }
    }
}

/// The score of all images, and of parts of them.
fn parts(evaluation: &Evaluation) -> Markup {
    let report = &evaluation.report;
    let mut rows = vec![("All".to_owned(), &report.score)];
    rows.extend(
        report
            .splits
            .iter()
            .map(|(usage, score)| (usage.name().to_owned(), score)),
    );
    if let Some(without) = &evaluation.without_duplicates {
        let name = format!(
            "Without the {} that lie in train too",
            count(without.removed)
        );
        rows.push((name, &without.score));
    }
    let scale = Scale::of(rows.iter().filter_map(|(_, score)| score.interval));
    html! {
        div.scroll { table {
            (columns(&["Images"], &["Right", "Of", "Accuracy", "95 % interval", ""]))
            tbody {
                @for (name, score) in &rows { (part(name, score, &scale)) }
            }
            tfoot { tr { td colspan="5" {} td.plot { (scale.axis(|tick| format!("{tick} %"))) } } }
        } }
    }
}

fn part(name: &str, score: &Score, scale: &Scale) -> Markup {
    html! {
        tr {
            th scope="row" { (name) }
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
}

fn confusion(report: &Report) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Confusion matrix" { (heat(&report.confusion)) }
        p.note { "Rows: what it is. Columns: what it was taken for. In percent of the row, and how many." }
    }
}

fn classes(report: &Report) -> Markup {
    html! {
        div.scroll { table {
            (columns(&["Expression"], &["Images", "Precision", "Recall", "F1"]))
            tbody {
                @for class in &report.classes {
                    tr {
                        th scope="row" { (named(class.label)) }
                        td.number { (count(class.support)) }
                        td.number { (percent(class.precision, 1)) }
                        td.number { (percent(class.recall, 1)) }
                        td.number { (decimal(class.f1)) }
                    }
                }
            }
        } }
    }
}

fn confusions(rows: &[Confused]) -> Markup {
    let Some(most) = rows.iter().map(|row| row.images).max() else {
        return html! { p.note { "It confuses nothing." } };
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

fn calibration(report: &Report) -> Markup {
    html! {
        div.beside {
            (reliability(&report.calibration))
            div {
                ul.legend {
                    li { span.swatch.right {} "how often it is right" }
                    li { span.swatch.over {} "by how much it is too sure" }
                    li { span.swatch.under {} "by how much it is not sure enough" }
                }
                p.note { "A column that ends at the dashed line is as sure as it is right." }
                details {
                    summary { "The figures" }
                    table {
                        (columns(&["Confidence"], &["Images", "Right"]))
                        tbody {
                            @for bin in report.calibration.bins.iter().filter(|bin| bin.images > 0) {
                                tr {
                                    th scope="row" { (percent(bin.confidence, 1)) }
                                    td.number { (count(bin.images)) }
                                    td.number { (percent(bin.accuracy, 1)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn gallery(mistakes: &[Mistake], faces: &FaceImages) -> Markup {
    if faces.is_empty() {
        return names(mistakes);
    }
    html! {
        ul.gallery {
            @for Mistake { image, name, label, prediction, confidence } in mistakes {
                li { figure {
                    (face(faces, image, &format!("{}, taken for {}", label.label(), prediction.label())))
                    figcaption title=(name) {
                        (named(*prediction))
                        small { (unbroken(&percent(f64::from(*confidence), 0))) " sure; it is " (label.label()) }
                    }
                } }
            }
        }
    }
}

/// The mistakes, where their faces are not to be had.
fn names(mistakes: &[Mistake]) -> Markup {
    html! {
        div.scroll { table {
            (columns(&["Image", "Is", "Taken for"], &["Confidence"]))
            tbody {
                @for Mistake { name, label, prediction, confidence, .. } in mistakes {
                    tr {
                        th scope="row" { (name) }
                        td { (label.label()) }
                        td { (named(*prediction)) }
                        td.number { (percent(f64::from(*confidence), 1)) }
                    }
                }
            }
        } }
    }
}

fn unreadable(unreadable: &Unreadable) -> Markup {
    let unnamed = unreadable.count.saturating_sub(unreadable.images.len()) as u64;
    html! {
        p { (images(unreadable.count as u64)) ", in no score:" }
        ul.files {
            @for image in &unreadable.images { li { (image.name) ": " (image.detail) } }
            @if unnamed > 0 { li { "and " (count(unnamed)) " more" } }
        }
    }
}

fn methods() -> Markup {
    html! {
        p.note {
            "Intervals of accuracies are Wilson’s (1927). The calibration error is that of Guo et al. (2017) over 15 bins of \
            confidence. The Brier score adds up the squared errors of the seven probabilities, 0 to 2. Images count as lying in the training data \
            where every pixel is the same."
        }
    }
}
