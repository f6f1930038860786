//! Components of both HTML reports.

use maud::{Markup, Render, html};
use mien_faces::expression::Expression;

use super::{Subject, face_images::FaceImages, icons::icon};

/// A section with its heading.
pub(super) fn card(title: &str, content: &Markup) -> Markup {
    html! {
        section.card {
            h2 { (title) }
            (content)
        }
    }
}

/// A value below its name.
pub(super) fn tile(name: &str, value: impl Render, note: impl Render) -> Markup {
    html! {
        div.tile {
            dt { (name) }
            dd { span.big { (value) } small { (note) } }
        }
    }
}

/// Replaces the space before percent signs, so that no line begins with one.
pub(super) fn unbroken(text: &str) -> String {
    text.replace(" %", "\u{a0}%")
}

/// An expression with its icon.
pub(super) fn named(expression: Expression) -> Markup {
    html! { span.named { (icon(expression)) (expression.label()) } }
}

/// The head of a table: columns of text, then columns of numbers.
pub(super) fn columns(text: &[&str], numbers: &[&str]) -> Markup {
    html! {
        thead { tr {
            @for name in text {
                th scope="col" { (name) }
            }
            @for name in numbers {
                th.number scope="col" { (name) }
            }
        } }
    }
}

/// The names and values of [`Subject::origin`].
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

/// A face, or a placeholder if it is missing.
pub(super) fn face(faces: &FaceImages, id: &str, alt: &str) -> Markup {
    html! {
        @if let Some(url) = faces.data_url(id) {
            img src=(url) alt=(alt) width="96" height="96";
        } @else {
            span.placeholder role="img" aria-label=(alt) {}
        }
    }
}
