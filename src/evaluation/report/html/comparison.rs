//! The HTML report of a comparison.

use maud::{Markup, html};
use mien_faces::{
    expression::Expression,
    report::{
        ClassDifference, Comparison, Flip, Flips, Pairs,
        format::{self, count, images, interval, p_value, percent, points},
    },
};

use super::groups;
use crate::evaluation::report::{
    Side,
    charts::Scale,
    components::{
        card, expression_with_icon, face, no_break_percent, origin, table, table_head, tile,
    },
    face_images::{FaceImages, MAX_CHANGED},
    icons::definitions,
    layout::page,
    summary,
};

/// Renders one self-contained page.
pub fn html(a: &Side, b: &Side, comparison: &Comparison, faces: &FaceImages) -> String {
    let head = html! {
        p.kicker { "Comparison" }
        h1 { span.side { "A" } (a.name) " " span.version { "and" } " " span.side { "B" } (b.name) }
        p.lead {
            @if let Some(subject) = &a.subject { (subject.images()) " · " }
            (images(comparison.images)) " in both evaluations"
        }
    };
    let content = html! {
        (definitions())
        section.card.summary {
            p { (summary::verdict(comparison)) }
            p { (no_break_percent(&summary::evidence(comparison))) }
            @if let Some(loss) = summary::group_loss(comparison) { p { (no_break_percent(&loss)) } }
            (difference(comparison))
            (not_compared(comparison))
        }
        (tiles(comparison))
        div.columns.wide {
            (card("Recall by expression", &classes(&comparison.classes)))
            (card("Paired results", &pairs(&comparison.pairs)))
        }
        @if !comparison.groups.is_empty() {
            (card("Accuracy by group", &groups::differences(&comparison.groups, tick)))
        }
        (card(&format!("Images with different predictions: {}", count(comparison.flipped.count)), &flips(&comparison.flipped, faces)))
        @if a.subject.is_some() || b.subject.is_some() {
            div.columns {
                @for (name, side) in [("A", a), ("B", b)] {
                    @if let Some(subject) = &side.subject { (card(&format!("{name}: {}", side.name), &origin(subject))) }
                }
            }
        }
        p.note {
            "The interval of the difference is that of Newcombe for paired proportions (1998, method 10). McNemar’s test is exact and two-sided."
        }
    };
    let notice = a
        .subject
        .as_ref()
        .and_then(|subject| subject.notice.as_ref());
    page(
        &format!("{} and {}", a.name, b.name),
        &head,
        &content,
        notice,
    )
}

/// Draws the difference and its interval on a scale that contains 0.
fn difference(comparison: &Comparison) -> Markup {
    let Comparison {
        difference,
        difference_interval: [low, high],
        ..
    } = *comparison;
    let scale = Scale::of([[low.min(0.0), high.max(0.0)]]);
    html! {
        figure.difference {
            (scale.whisker(difference, [low, high]))
            (scale.axis(tick))
            figcaption { "B − A in percentage points, with the 95 % interval" }
        }
    }
}

/// Formats a grid line of a scale of differences in percentage points.
fn tick(points: i32) -> String {
    if points == 0 {
        "0".to_owned()
    } else {
        format::points(f64::from(points) / 100.0, 0)
    }
}

/// The numbers of images that are not compared.
fn not_compared(comparison: &Comparison) -> Markup {
    let Comparison {
        only_in_a,
        only_in_b,
        ..
    } = *comparison;
    html! {
        @if only_in_a + only_in_b > 0 {
            p.note { "Not compared: " (images(only_in_a)) " only in A, " (images(only_in_b)) " only in B." }
        }
    }
}

fn tiles(comparison: &Comparison) -> Markup {
    let Comparison {
        a,
        b,
        pairs,
        difference_interval: [low, high],
        ..
    } = comparison;
    let note = format!("points, {} to {}", points(*low, 2), points(*high, 2));
    html! {
        dl.tiles {
            (tile("A", percent(a.accuracy, 2), interval(a.interval)))
            (tile("B", percent(b.accuracy, 2), interval(b.interval)))
            (tile("B − A", points(comparison.difference, 2), note))
            (tile("McNemar’s test", p_value(comparison.p_value), "exact, two-sided"))
            (tile("Only A correct", count(pairs.only_a_correct), "images"))
            (tile("Only B correct", count(pairs.only_b_correct), "images"))
        }
    }
}

fn classes(classes: &[ClassDifference]) -> Markup {
    let around_zero = |difference: f64| [difference.min(0.0), difference.max(0.0)];
    let scale = Scale::of(
        classes
            .iter()
            .filter_map(|class| class.difference)
            .map(around_zero),
    );
    let head = table_head(&["Expression"], &["Images", "A", "B", "B − A", ""]);
    let rows = html! {
        tbody {
            @for class in classes {
                tr {
                    th scope="row" { (expression_with_icon(class.label)) }
                    td.number { (count(class.support)) }
                    td.number { (percent(class.recall_a, 1)) }
                    td.number { (percent(class.recall_b, 1)) }
                    td.number { (points(class.difference, 1)) }
                    td.plot {
                        @if let Some(difference) = class.difference {
                            (scale.whisker(difference, around_zero(difference)))
                        }
                    }
                }
            }
        }
        tfoot { tr { td colspan="5" {} td.plot { (scale.axis(tick)) } } }
    };
    table("Recall by expression", &head, &rows)
}

fn pairs(pairs: &Pairs) -> Markup {
    let head = table_head(&[""], &["B is correct", "B is incorrect"]);
    let rows = html! {
        tbody {
            tr { th scope="row" { "A is correct" } td.number { (count(pairs.both_correct)) } td.number { (count(pairs.only_a_correct)) } }
            tr { th scope="row" { "A is incorrect" } td.number { (count(pairs.only_b_correct)) } td.number { (count(pairs.both_incorrect)) } }
        }
    };
    table("Paired results", &head, &rows)
}

fn flips(flips: &Flips, faces: &FaceImages) -> Markup {
    html! {
        @if flips.count == 0 { p.note { "Both predict the same class for each image." } }
        @if faces.is_empty() { (names(flips)) } @else { ul.gallery {
            @for Flip { image, name, label, a, b, confidence_a, confidence_b } in flips.images.iter().take(MAX_CHANGED) {
                li { figure {
                    (face(faces, image, &format!("label {}; A predicts {}, B predicts {}", label.label(), a.label(), b.label())))
                    figcaption title=(name) {
                        (expression_with_icon(*label))
                        small { "A: " (prediction(*a, *confidence_a)) }
                        small { "B: " (prediction(*b, *confidence_b)) }
                    }
                } }
            }
        } }
        @if flips.count > MAX_CHANGED as u64 { p.note { "Only the first " (MAX_CHANGED) " are shown, in descending order of the lower of the two confidences." } }
    }
}

/// A predicted class and its confidence.
fn prediction(expression: Expression, confidence: f32) -> String {
    no_break_percent(&format!(
        "{} {}",
        expression.label(),
        percent(f64::from(confidence), 0)
    ))
}

/// The images as a table, if there are no faces.
fn names(flips: &Flips) -> Markup {
    let head = table_head(
        &["Image", "Label", "Prediction of A", "Prediction of B"],
        &[],
    );
    let rows = html! {
        tbody {
            @for flip in flips.images.iter().take(MAX_CHANGED) {
                tr {
                    th scope="row" { (flip.name) }
                    td { (expression_with_icon(flip.label)) }
                    td { (prediction(flip.a, flip.confidence_a)) }
                    td { (prediction(flip.b, flip.confidence_b)) }
                }
            }
        }
    };
    table("Images with different predictions", &head, &rows)
}
