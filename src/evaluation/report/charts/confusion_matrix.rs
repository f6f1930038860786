//! The confusion matrix as a heat map.

use maud::{Markup, html};
use mien_faces::{
    expression::Expression,
    report::{Confusion, format},
};

use super::length;

const LEFT: f64 = 76.0;
const TOP: f64 = 44.0;
const WIDTH: f64 = 74.0;
const HEIGHT: f64 = 52.0;
const GAP: f64 = 4.0;

/// Draws the confusion matrix. Rows are the labels, columns the predictions. The colour of a cell shows its share of the row;
/// its text is the share in percent and the number of images.
pub(in crate::evaluation::report) fn confusion_matrix(confusion: &Confusion) -> Markup {
    let across = LEFT + 7.0 * (WIDTH + GAP);
    let down = TOP + 7.0 * (HEIGHT + GAP);
    html! {
        svg.chart.matrix viewBox={ "0 0 " (length(across)) " " (length(down)) } role="img"
            aria-label="Confusion matrix; rows are the labels, columns the predictions, in percent of the row" {
            text.axis x=(length(LEFT)) y="12" { "predicted as" }
            @for expression in Expression::ALL {
                text x=(length(x(expression) + WIDTH / 2.0)) y="34" text-anchor="middle" { (expression.label()) }
                text x=(length(LEFT - 10.0)) y=(length(middle(expression) + 4.0)) text-anchor="end" {
                    (expression.label())
                }
            }
            @for truth in Expression::ALL {
                @for prediction in Expression::ALL {
                    (cell(confusion, truth, prediction))
                }
            }
        }
    }
}

fn cell(confusion: &Confusion, truth: Expression, prediction: Expression) -> Markup {
    let (images, support) = (confusion.count(truth, prediction), confusion.support(truth));
    let share = if support > 0 {
        images as f64 / support as f64
    } else {
        0.0
    };
    let (left, top) = (length(x(prediction)), length(y(truth)));
    let (width, height) = (length(WIDTH), length(HEIGHT));
    let centre = length(x(prediction) + WIDTH / 2.0);
    let kind = if truth == prediction {
        "correct"
    } else {
        "incorrect"
    };
    // Text on a strong colour has the colour of the page. In the dark scheme, whose colours are pale, it changes earlier.
    let ink = match share {
        share if share > 0.76 => "on",
        share if share > 0.55 => "near",
        _ => "off",
    };
    html! {
        g class=(ink) {
            title {
                (truth.label()) " predicted as " (prediction.label()) ": " (format::count(images)) " of "
                (format::count(support)) ", " (format::percent((support > 0).then_some(share), 1))
            }
            rect.cell x=(left) y=(top) width=(width) height=(height) rx="8" {}
            @if images > 0 {
                rect class=(kind) x=(left) y=(top) width=(width) height=(height) rx="8" fill-opacity={ (format!("{share:.3}")) } {}
                text.share x=(centre) y=(length(middle(truth) + 2.0)) text-anchor="middle" {
                    (format!("{:.0}", 100.0 * share))
                }
                text.images x=(centre) y=(length(middle(truth) + 17.0)) text-anchor="middle" { (format::count(images)) }
            }
        }
    }
}

fn x(prediction: Expression) -> f64 {
    LEFT + prediction.index() as f64 * (WIDTH + GAP)
}

fn y(truth: Expression) -> f64 {
    TOP + truth.index() as f64 * (HEIGHT + GAP)
}

fn middle(truth: Expression) -> f64 {
    y(truth) + HEIGHT / 2.0
}
