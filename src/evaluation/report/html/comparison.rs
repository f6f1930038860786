//! The page of a comparison.

use maud::{Markup, html};
use mien_faces::{
    expression::Expression,
    report::{
        ClassDifference, Comparison, Flip, Flips, Pairs,
        format::{self, count, images, interval, p_value, percent, points},
    },
};

use crate::evaluation::report::{
    Side,
    charts::Scale,
    components::{card, columns, face, named, origin, tile, unbroken},
    face_images::{FaceImages, MAX_CHANGED},
    icons::defined,
    layout::page,
    summary,
};

/// One self-contained page.
pub fn html(a: &Side, b: &Side, comparison: &Comparison, faces: &FaceImages) -> String {
    let head = html! {
        p.kicker { "Comparison" }
        h1 { span.side { "A" } (a.name) " " span.version { "and" } " " span.side { "B" } (b.name) }
        p.lead {
            @if let Some(subject) = &a.subject { (subject.images()) " · " }
            (images(comparison.images)) " in both"
        }
    };
    let content = html! {
        (defined())
        section.card.summary {
            p { (summary::verdict(comparison)) }
            p { (unbroken(&summary::evidence(comparison))) }
            (difference(comparison))
            (alone(comparison))
        }
        (tiles(comparison))
        div.columns.wide {
            (card("Recall of each expression", &classes(&comparison.classes)))
            (card("Who is right", &pairs(&comparison.pairs)))
        }
        (card(&format!("Images that flipped: {}", count(comparison.flipped.count)), &flips(&comparison.flipped, faces)))
        @if a.subject.is_some() || b.subject.is_some() {
            div.columns {
                @for (name, side) in [("A", a), ("B", b)] {
                    @if let Some(subject) = &side.subject { (card(&format!("{name}: {}", side.name), &origin(subject))) }
                }
            }
        }
        p.note {
            "The interval is Newcombe’s for paired proportions (1998, method 10). McNemar’s test is the exact, two-sided one."
        }
    };
    page(&format!("{} and {}", a.name, b.name), &head, &content)
}

/// The difference on a line with its interval, and where none would be.
fn difference(comparison: &Comparison) -> Markup {
    let Comparison {
        difference,
        difference_interval: [low, high],
        ..
    } = *comparison;
    let scale = Scale::of([[low.min(0.0), high.max(0.0)]]);
    html! {
        figure.line {
            (scale.whisker(difference, [low, high]))
            (scale.axis(tick))
            figcaption { "B less A in points, and the 95 % interval" }
        }
    }
}

/// What a line of a scale of differences stands for, in points.
fn tick(points: i32) -> String {
    if points == 0 {
        "0".to_owned()
    } else {
        format::points(f64::from(points) / 100.0, 0)
    }
}

/// The images that are not compared.
fn alone(comparison: &Comparison) -> Markup {
    let Comparison {
        only_in_a,
        only_in_b,
        ..
    } = *comparison;
    html! {
        @if only_in_a + only_in_b > 0 {
            p.note { "Left out: " (images(only_in_a)) " of A alone, " (images(only_in_b)) " of B alone." }
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
    let reach = format!("points, {} to {}", points(*low, 2), points(*high, 2));
    html! {
        dl.tiles {
            (tile("A", percent(a.accuracy, 2), interval(a.interval)))
            (tile("B", percent(b.accuracy, 2), interval(b.interval)))
            (tile("B less A", points(comparison.difference, 2), reach))
            (tile("McNemar’s test", p_value(comparison.p_value), "exact, two-sided"))
            (tile("Only A right", count(pairs.only_a_correct), "images"))
            (tile("Only B right", count(pairs.only_b_correct), "images"))
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
    html! {
        div.scroll { table {
            (columns(&["Expression"], &["Images", "A", "B", "B less A", ""]))
            tbody {
                @for class in classes {
                    tr {
                        th scope="row" { (named(class.label)) }
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
        } }
    }
}

fn pairs(pairs: &Pairs) -> Markup {
    html! {
        table {
            (columns(&[""], &["B is right", "B is wrong"]))
            tbody {
                tr { th scope="row" { "A is right" } td.number { (count(pairs.both_correct)) } td.number { (count(pairs.only_a_correct)) } }
                tr { th scope="row" { "A is wrong" } td.number { (count(pairs.only_b_correct)) } td.number { (count(pairs.both_incorrect)) } }
            }
        }
    }
}

fn flips(flips: &Flips, faces: &FaceImages) -> Markup {
    html! {
        @if flips.count == 0 { p.note { "None: both say the same of every image." } }
        @if faces.is_empty() { (names(flips)) } @else { ul.gallery {
            @for Flip { image, name, label, a, b, confidence_a, confidence_b } in flips.images.iter().take(MAX_CHANGED) {
                li { figure {
                    (face(faces, image, &format!("{}; A says {}, B says {}", label.label(), a.label(), b.label())))
                    figcaption title=(name) {
                        (named(*label))
                        small { "A: " (says(*a, *confidence_a)) }
                        small { "B: " (says(*b, *confidence_b)) }
                    }
                } }
            }
        } }
        @if flips.count > MAX_CHANGED as u64 { p.note { "The first " (MAX_CHANGED) ": those where even the less sure model is sure." } }
    }
}

/// What a model takes an image for, and how sure it is.
fn says(expression: Expression, confidence: f32) -> String {
    unbroken(&format!(
        "{} {}",
        expression.label(),
        percent(f64::from(confidence), 0)
    ))
}

/// The images, where their faces are not to be had.
fn names(flips: &Flips) -> Markup {
    html! {
        div.scroll { table {
            (columns(&["Image", "Is", "A says", "B says"], &[]))
            tbody {
                @for flip in flips.images.iter().take(MAX_CHANGED) {
                    tr {
                        th scope="row" { (flip.name) }
                        td { (named(flip.label)) }
                        td { (says(flip.a, flip.confidence_a)) }
                        td { (says(flip.b, flip.confidence_b)) }
                    }
                }
            }
        } }
    }
}
