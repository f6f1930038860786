//! Charts as inline SVG. Positions and sizes are attributes and colours are classes, because the content security policy forbids
//! inline styles.

mod confusion_matrix;
mod percent_axes;
mod reliability;
mod risk_coverage;
mod whiskers;

pub(super) use confusion_matrix::confusion_matrix;
pub(super) use reliability::reliability;
pub(super) use risk_coverage::risk_coverage;
pub(super) use whiskers::Scale;

/// Formats a length of a drawing to a tenth.
fn length(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}
