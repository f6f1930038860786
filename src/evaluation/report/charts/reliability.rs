//! The reliability diagram: accuracy by confidence.

use maud::{Markup, html};
use mien_faces::report::{Calibration, CalibrationBin, format};

use super::length;

const LEFT: f64 = 44.0;
const RIGHT: f64 = 404.0;
const TOP: f64 = 10.0;
/// y coordinate of accuracy 0.
const FOOT: f64 = 270.0;
/// y coordinate of the base of the histogram.
const HISTOGRAM_BASE: f64 = 330.0;
/// Maximum height of the histogram.
const HISTOGRAM_HEIGHT: f64 = 44.0;

/// Draws the accuracy of each bin of confidence with its gap to the diagonal, and below it the number of images per bin.
pub(in crate::evaluation::report) fn reliability(calibration: &Calibration) -> Markup {
    let most = calibration
        .bins
        .iter()
        .map(|bin| bin.images)
        .max()
        .unwrap_or(0);
    html! {
        svg.chart viewBox="0 0 420 372" role="img" aria-label="Reliability diagram: accuracy by confidence in 15 bins" {
            @for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
                line.grid x1=(length(LEFT)) x2=(length(RIGHT)) y1=(length(y(tick))) y2=(length(y(tick))) {}
                text x=(length(LEFT - 8.0)) y=(length(y(tick) + 4.0)) text-anchor="end" { (format!("{:.0}", 100.0 * tick)) }
                text x=(length(x(tick))) y=(length(HISTOGRAM_BASE + 16.0)) text-anchor="middle" { (format!("{:.0}", 100.0 * tick)) }
            }
            line.grid x1=(length(LEFT)) x2=(length(RIGHT)) y1=(length(HISTOGRAM_BASE)) y2=(length(HISTOGRAM_BASE)) {}
            @for bin in &calibration.bins {
                (column(bin, most))
            }
            line.diagonal x1=(length(x(0.0))) y1=(length(y(0.0))) x2=(length(x(1.0))) y2=(length(y(1.0))) {}
            text.axis x=(length(x(0.5))) y="368" text-anchor="middle" { "confidence in percent; below: number of images" }
        }
    }
}

fn column(bin: &CalibrationBin, most: u64) -> Markup {
    let Some((accuracy, confidence)) = bin.accuracy.zip(bin.confidence) else {
        return html! {};
    };
    let (left, width) = (
        length(x(bin.lower) + 1.5),
        length(x(bin.upper) - x(bin.lower) - 3.0),
    );
    let gap = if confidence > accuracy {
        "over"
    } else {
        "under"
    };
    let (high, low) = (y(accuracy.max(confidence)), y(accuracy.min(confidence)));
    let share = HISTOGRAM_HEIGHT * bin.images as f64 / most as f64;
    html! {
        g {
            title {
                (format::percent(bin.lower, 0)) " to " (format::percent(bin.upper, 0)) " confidence: " (format::images(bin.images))
                ", " (format::percent(accuracy, 1)) " accuracy, " (format::percent(confidence, 1)) " mean confidence"
            }
            rect.column x=(left) y=(length(low)) width=(width) height=(length(FOOT - low)) {}
            rect class=(gap) x=(left) y=(length(high)) width=(width) height=(length(low - high)) {}
            rect.amount x=(left) y=(length(HISTOGRAM_BASE - share)) width=(width) height=(length(share)) {}
        }
    }
}

fn x(confidence: f64) -> f64 {
    LEFT + confidence * (RIGHT - LEFT)
}

fn y(accuracy: f64) -> f64 {
    FOOT - accuracy * (FOOT - TOP)
}
