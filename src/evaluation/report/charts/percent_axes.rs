//! A drawing area whose axes show percentages from 0 to 100.

use maud::{Markup, html};

use super::length;

const LEFT: f64 = 44.0;
const RIGHT: f64 = 404.0;
const TOP: f64 = 10.0;

/// Marks on both axes.
const TICKS: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// The drawing area between 0 and 1 on both axes.
pub(super) struct PercentAxes {
    /// y coordinate of 0.
    pub(super) foot: f64,
}

impl PercentAxes {
    /// Returns the x coordinate of a share from 0 to 1.
    pub(super) fn x(&self, share: f64) -> f64 {
        LEFT + share * (RIGHT - LEFT)
    }

    /// Returns the y coordinate of a share from 0 to 1.
    pub(super) fn y(&self, share: f64) -> f64 {
        self.foot - share * (self.foot - TOP)
    }

    /// Draws horizontal lines with their numbers, and below `base` the numbers of the horizontal axis.
    pub(super) fn grid(&self, base: f64) -> Markup {
        html! {
            @for tick in TICKS {
                line.grid x1=(length(LEFT)) x2=(length(RIGHT)) y1=(length(self.y(tick))) y2=(length(self.y(tick))) {}
                text x=(length(LEFT - 8.0)) y=(length(self.y(tick) + 4.0)) text-anchor="end" { (format!("{:.0}", 100.0 * tick)) }
                text x=(length(self.x(tick))) y=(length(base + 16.0)) text-anchor="middle" { (format!("{:.0}", 100.0 * tick)) }
            }
        }
    }
}
