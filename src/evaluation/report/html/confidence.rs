//! The cards about confidence: calibration, and accuracy by minimum confidence.

use maud::{Markup, html};
use mien_faces::report::{
    Report, RiskCoverage,
    format::{count, percent},
};

use super::super::{
    charts,
    components::{table, table_head},
};

pub(super) fn calibration(report: &Report) -> Markup {
    html! {
        div.split {
            (charts::reliability(&report.calibration))
            div {
                ul.legend {
                    li { span.swatch.accuracy {} "accuracy" }
                    li { span.swatch.over {} "confidence above accuracy (overconfident)" }
                    li { span.swatch.under {} "confidence below accuracy (underconfident)" }
                }
                p.note { "On the dashed line accuracy equals confidence." }
                details {
                    summary { "Values" }
                    (calibration_bins(report))
                }
            }
        }
    }
}

fn calibration_bins(report: &Report) -> Markup {
    let head = table_head(&["Mean confidence"], &["Images", "Accuracy"]);
    let rows = html! {
        tbody {
            @for bin in report.calibration.bins.iter().filter(|bin| bin.images > 0) {
                tr {
                    th scope="row" { (percent(bin.confidence, 1)) }
                    td.number { (count(bin.images)) }
                    td.number { (percent(bin.accuracy, 1)) }
                }
            }
        }
    };
    table("Calibration", &head, &rows)
}

/// Shows the accuracy if images with a low confidence get no answer.
pub(super) fn risk_coverage(curve: &RiskCoverage) -> Markup {
    let head = table_head(&["Answered images"], &["Minimum confidence", "Accuracy"]);
    let rows = html! {
        tbody {
            @for point in &curve.points {
                tr {
                    th scope="row" { (percent(point.coverage, 0)) }
                    td.number { (percent(f64::from(point.min_confidence), 1)) }
                    td.number { (percent(point.accuracy, 1)) }
                }
            }
        }
    };
    html! {
        div.split {
            (charts::risk_coverage(curve))
            div {
                p.note {
                    "The accuracy if only the images with the highest confidence get a label. Clients choose the minimum with "
                    code { "min_confidence" } "."
                }
                details {
                    summary { "Values" }
                    (table("Accuracy by minimum confidence", &head, &rows))
                }
            }
        }
    }
}
