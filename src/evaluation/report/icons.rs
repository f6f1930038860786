//! An icon for each expression. The web UI has the same ones (`web/labels.js`).

use maud::{Markup, html};
use mien_faces::expression::Expression;

const EYES: &str = "M16 20v2M32 20v2";

/// SVG paths of the brows, eyes and mouth in a view box of 48 x 48.
fn strokes(expression: Expression) -> [&'static str; 3] {
    match expression {
        Expression::Angry => ["M12 15l8 4M36 15l-8 4", EYES, "M16 35c4-4 12-4 16 0"],
        Expression::Disgust => ["M12 17l8 1M36 14l-8 3", EYES, "M15 34c3-4 6 2 9-1s6 1 9-3"],
        Expression::Fear => [
            "M12 17l7-4M36 17l-7-4",
            "M16 20v3M32 20v3",
            "M17 35c2-5 4 1 7-2s5 3 7-1",
        ],
        Expression::Happy => [
            "",
            "M13 21c1-3 6-3 7 0M28 21c1-3 6-3 7 0",
            "M14 29c3 8 17 8 20 0",
        ],
        Expression::Neutral => ["", EYES, "M16 33h16"],
        Expression::Sad => [
            "M12 18l7-4M36 18l-7-4",
            "M16 22v2M32 22v2",
            "M16 36c3-6 13-6 16 0",
        ],
        Expression::Surprise => [
            "M12 13c2-2 5-2 7 0M29 13c2-2 5-2 7 0",
            "M16 20v3M32 20v3",
            "M24 30a4 5 0 1 1 0 10a4 5 0 1 1 0-10",
        ],
    }
}

/// Defines the shapes that the [`icon`]s of a page refer to.
pub(super) fn definitions() -> Markup {
    html! {
        svg class="definitions" aria-hidden="true" width="0" height="0" {
            @for expression in Expression::ALL {
                symbol id=(expression.label()) viewBox="0 0 48 48" {
                    circle cx="24" cy="24" r="21" {}
                    path d=(strokes(expression).concat()) {}
                }
            }
        }
    }
}

/// The icon of an expression, 20 pixels high.
pub(super) fn icon(expression: Expression) -> Markup {
    html! {
        svg class={ "icon " (tint(expression)) } width="20" height="20" aria-hidden="true" {
            use href={ "#" (expression.label()) } {}
        }
    }
}

/// Returns the CSS class that sets the colour of an expression.
pub(super) fn tint(expression: Expression) -> String {
    format!("tint-{}", expression.label())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn icons_equal_those_of_web_ui() {
        let page = include_str!("../../../web/labels.js");
        for stroke in Expression::ALL.into_iter().flat_map(strokes) {
            assert!(page.contains(stroke), "{stroke}");
        }
    }
}
