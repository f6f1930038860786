//! Charts as inline SVG. Places and sizes are attributes and colours are classes: a strict policy allows no more.

mod confusion_matrix;
mod reliability;
mod whiskers;

pub(super) use confusion_matrix::heat;
pub(super) use reliability::reliability;
pub(super) use whiskers::Scale;

/// A length in the units of a drawing, to a tenth.
fn length(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}
