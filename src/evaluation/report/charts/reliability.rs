//! The reliability diagram: accuracy by confidence.

use maud::{Markup, html};
use mien_faces::report::{Calibration, CalibrationBin, format};

use super::{length, percent_axes::PercentAxes};

const AXES: PercentAxes = PercentAxes { foot: 270.0 };
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
            (AXES.grid(HISTOGRAM_BASE))
            line.grid x1=(length(AXES.x(0.0))) x2=(length(AXES.x(1.0))) y1=(length(HISTOGRAM_BASE)) y2=(length(HISTOGRAM_BASE)) {}
            @for bin in &calibration.bins {
                (column(bin, most))
            }
            line.diagonal x1=(length(AXES.x(0.0))) y1=(length(AXES.y(0.0))) x2=(length(AXES.x(1.0))) y2=(length(AXES.y(1.0))) {}
            text.axis x=(length(AXES.x(0.5))) y="368" text-anchor="middle" { "confidence in percent; below: number of images" }
        }
    }
}

fn column(bin: &CalibrationBin, most: u64) -> Markup {
    let Some((accuracy, confidence)) = bin.accuracy.zip(bin.confidence) else {
        return html! {};
    };
    let (left, width) = (
        length(AXES.x(bin.lower) + 1.5),
        length(AXES.x(bin.upper) - AXES.x(bin.lower) - 3.0),
    );
    let gap = if confidence > accuracy {
        "over"
    } else {
        "under"
    };
    let (high, low) = (
        AXES.y(accuracy.max(confidence)),
        AXES.y(accuracy.min(confidence)),
    );
    let share = HISTOGRAM_HEIGHT * bin.images as f64 / most as f64;
    html! {
        g {
            title {
                (format::percent(bin.lower, 0)) " to " (format::percent(bin.upper, 0)) " confidence: " (format::images(bin.images))
                ", " (format::percent(accuracy, 1)) " accuracy, " (format::percent(confidence, 1)) " mean confidence"
            }
            rect.column x=(left) y=(length(low)) width=(width) height=(length(AXES.foot - low)) {}
            rect class=(gap) x=(left) y=(length(high)) width=(width) height=(length(low - high)) {}
            rect.amount x=(left) y=(length(HISTOGRAM_BASE - share)) width=(width) height=(length(share)) {}
        }
    }
}
