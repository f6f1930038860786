//! The risk-coverage curve: accuracy by the share of answered images.

use maud::{Markup, html};
use mien_faces::report::{CoveragePoint, RiskCoverage, format};

use super::length;

const LEFT: f64 = 44.0;
const RIGHT: f64 = 404.0;
const TOP: f64 = 10.0;
const FOOT: f64 = 230.0;

/// Draws the accuracy over the answered images.
pub(in crate::evaluation::report) fn risk_coverage(curve: &RiskCoverage) -> Markup {
    let points = curve.points.iter();
    let line: Vec<String> = points.map(coordinates).collect();
    html! {
        svg.chart viewBox="0 0 420 272" role="img" aria-label="Accuracy by share of answered images" {
            @for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
                line.grid x1=(length(LEFT)) x2=(length(RIGHT)) y1=(length(y(tick))) y2=(length(y(tick))) {}
                text x=(length(LEFT - 8.0)) y=(length(y(tick) + 4.0)) text-anchor="end" { (format!("{:.0}", 100.0 * tick)) }
                text x=(length(x(tick))) y=(length(FOOT + 16.0)) text-anchor="middle" { (format!("{:.0}", 100.0 * tick)) }
            }
            polyline.curve points=(line.join(" ")) {}
            @for point in &curve.points {
                circle.point cx=(length(x(point.coverage))) cy=(length(y(point.accuracy))) r="3" {
                    title {
                        (format::percent(point.accuracy, 1)) " accuracy on " (format::percent(point.coverage, 0)) " of the images, confidence from "
                        (format::percent(f64::from(point.min_confidence), 0))
                    }
                }
            }
            text.axis x=(length(x(0.5))) y="268" text-anchor="middle" { "answered images in percent" }
        }
    }
}

fn coordinates(point: &CoveragePoint) -> String {
    format!(
        "{},{}",
        length(x(point.coverage)),
        length(y(point.accuracy))
    )
}

fn x(coverage: f64) -> f64 {
    LEFT + coverage * (RIGHT - LEFT)
}

fn y(accuracy: f64) -> f64 {
    FOOT - accuracy * (FOOT - TOP)
}
