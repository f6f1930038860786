//! The images of the HTML report of an evaluation: mistakes and unreadable images.

use maud::{Markup, html};
use mien_faces::report::{
    Mistake,
    format::{count, images, percent},
};

use crate::evaluation::{
    Unreadable,
    report::{
        components::{self, expression_with_icon, face, no_break_percent, table_head},
        face_images::FaceImages,
    },
};

pub(super) fn mistakes(mistakes: &[Mistake], faces: &FaceImages) -> Markup {
    if faces.is_empty() {
        return table(mistakes);
    }
    html! {
        ul.gallery {
            @for Mistake { image, name, label, prediction, confidence } in mistakes {
                li { figure {
                    (face(faces, image, &format!("{} predicted as {}", label.label(), prediction.label())))
                    figcaption title=(name) {
                        (expression_with_icon(*prediction))
                        small { (no_break_percent(&percent(f64::from(*confidence), 0))) " confidence; label: " (label.label()) }
                    }
                } }
            }
        }
    }
}

/// The mistakes as a table, if there are no faces.
fn table(mistakes: &[Mistake]) -> Markup {
    let head = table_head(&["Image", "Label", "Prediction"], &["Confidence"]);
    let rows = html! {
        tbody {
            @for Mistake { name, label, prediction, confidence, .. } in mistakes {
                tr {
                    th scope="row" { (name) }
                    td { (label.label()) }
                    td { (expression_with_icon(*prediction)) }
                    td.number { (percent(f64::from(*confidence), 1)) }
                }
            }
        }
    };
    components::table("Most confident mistakes", &head, &rows)
}

pub(super) fn unreadable(unreadable: &Unreadable) -> Markup {
    let unnamed = unreadable.count.saturating_sub(unreadable.images.len()) as u64;
    html! {
        p { (images(unreadable.count as u64)) ", which are not scored:" }
        ul.files {
            @for image in &unreadable.images { li { (image.name) ": " (image.detail) } }
            @if unnamed > 0 { li { "and " (count(unnamed)) " more" } }
        }
    }
}
