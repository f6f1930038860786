//! Small pieces that both pages are made of.

use maud::{Markup, Render, html};
use mien_faces::expression::Expression;

use super::{Subject, face_images::FaceImages, icons::glyph};

/// A part of the page with its heading.
pub(super) fn card(title: &str, content: &Markup) -> Markup {
    html! {
        section.card {
            h2 { (title) }
            (content)
        }
    }
}

/// One number below its name.
pub(super) fn tile(name: &str, value: impl Render, note: impl Render) -> Markup {
    html! {
        div.tile {
            dt { (name) }
            dd { span.big { (value) } small { (note) } }
        }
    }
}

/// A text in which no percent sign begins a line.
pub(super) fn unbroken(text: &str) -> String {
    text.replace(" %", "\u{a0}%")
}

/// An expression with its face.
pub(super) fn named(expression: Expression) -> Markup {
    html! { span.named { (glyph(expression)) (expression.label()) } }
}

/// The heads of a table's columns; the first ones hold words and the others numbers.
pub(super) fn columns(words: &[&str], numbers: &[&str]) -> Markup {
    html! {
        thead { tr {
            @for name in words {
                th scope="col" { (name) }
            }
            @for name in numbers {
                th.number scope="col" { (name) }
            }
        } }
    }
}

/// Names and values of what a report comes from.
pub(super) fn origin(subject: &Subject) -> Markup {
    html! {
        dl.facts {
            @for (name, value) in subject.origin() {
                dt { (name) }
                dd { (value) }
            }
        }
    }
}

/// A face; a blank where it is not to be had.
pub(super) fn face(faces: &FaceImages, id: &str, alt: &str) -> Markup {
    html! {
        @if let Some(url) = faces.data_url(id) {
            img src=(url) alt=(alt) width="96" height="96";
        } @else {
            span.blank role="img" aria-label=(alt) {}
        }
    }
}
