//! Components of both HTML reports.

use maud::{Markup, Render, html};
use mien_faces::expression::Expression;

use super::{Subject, face_images::FaceImages, icons::icon};

/// Renders a section with its heading.
pub(super) fn card(title: &str, content: &Markup) -> Markup {
    html! {
        section.card {
            h2 { (title) }
            (content)
        }
    }
}

/// Renders a value below its name.
pub(super) fn tile(name: &str, value: impl Render, note: impl Render) -> Markup {
    html! {
        div.tile {
            dt { (name) }
            dd { span.big { (value) } small { (note) } }
        }
    }
}

/// Replaces the space before percent signs, so that no line begins with one.
pub(super) fn no_break_percent(text: &str) -> String {
    text.replace(" %", "\u{a0}%")
}

/// Renders an expression with its icon.
pub(super) fn expression_with_icon(expression: Expression) -> Markup {
    html! { span.named { (icon(expression)) (expression.label()) } }
}

/// Renders a region with a name that scrolls horizontally if its content is too wide. The keyboard scrolls it when it has the focus.
pub(super) fn scrollable(name: &str, content: &Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(name) { (content) }
    }
}

/// Renders a table with a name for screen readers. `rows` contains its body and foot.
pub(super) fn table(name: &str, head: &Markup, rows: &Markup) -> Markup {
    scrollable(name, &html! { table { (head) (rows) } })
}

/// Renders the head of a table: columns of text, then columns of numbers. A column of bars or of row headings can have an empty name.
pub(super) fn table_head(text: &[&str], numbers: &[&str]) -> Markup {
    let cell = |name: &str, class: Option<&str>| {
        html! {
            @if name.is_empty() { td {} } @else { th class=[class] scope="col" { (name) } }
        }
    };
    html! {
        thead { tr {
            @for name in text { (cell(name, None)) }
            @for name in numbers { (cell(name, Some("number"))) }
        } }
    }
}

/// Renders the names and values of [`Subject::origin`].
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

/// Renders a face, or a placeholder if it is missing.
pub(super) fn face(faces: &FaceImages, id: &str, alt: &str) -> Markup {
    html! {
        @if let Some(url) = faces.data_url(id) {
            img src=(url) alt=(alt) width="96" height="96";
        } @else {
            span.placeholder role="img" aria-label=(alt) {}
        }
    }
}
