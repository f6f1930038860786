//! The risk-coverage curve: accuracy by the share of answered images.

use maud::{Markup, html};
use mien_faces::report::{CoveragePoint, RiskCoverage, format};

use super::{length, percent_axes::PercentAxes};

const AXES: PercentAxes = PercentAxes { foot: 230.0 };

/// Draws the accuracy over the answered images.
pub(in crate::evaluation::report) fn risk_coverage(curve: &RiskCoverage) -> Markup {
    let points = curve.points.iter();
    let line: Vec<String> = points.map(coordinates).collect();
    html! {
        svg.chart viewBox="0 0 420 272" role="img" aria-label="Accuracy by share of answered images" {
            (AXES.grid(AXES.foot))
            polyline.curve points=(line.join(" ")) {}
            @for point in &curve.points {
                circle.point cx=(length(AXES.x(point.coverage))) cy=(length(AXES.y(point.accuracy))) r="3" {
                    title {
                        (format::percent(point.accuracy, 1)) " accuracy on " (format::percent(point.coverage, 0)) " of the images, confidence from "
                        (format::percent(f64::from(point.min_confidence), 0))
                    }
                }
            }
            text.axis x=(length(AXES.x(0.5))) y="268" text-anchor="middle" { "answered images in percent" }
        }
    }
}

fn coordinates(point: &CoveragePoint) -> String {
    format!(
        "{},{}",
        length(AXES.x(point.coverage)),
        length(AXES.y(point.accuracy))
    )
}
