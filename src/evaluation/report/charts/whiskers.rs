//! Values with their intervals on a common scale.

use maud::{Markup, html};

use super::length;

const WIDTH: f64 = 220.0;
const HEIGHT: f64 = 24.0;
/// Space at both ends for half of the text of a tick.
const MARGIN: f64 = 18.0;

/// Ends and grid spacing of a scale, in hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::evaluation::report) struct Scale {
    low: i32,
    high: i32,
    step: i32,
}

impl Scale {
    /// Creates a scale that contains all intervals and has at most six round grid lines.
    pub(in crate::evaluation::report) fn of(intervals: impl IntoIterator<Item = [f64; 2]>) -> Self {
        let (low, high) = intervals.into_iter().fold(
            (f64::INFINITY, f64::NEG_INFINITY),
            |(low, high), [from, to]| (low.min(from), high.max(to)),
        );
        // The casts saturate; ratios are far below the limits of the integer.
        let (low, high) = if low > high {
            (0, 100)
        } else {
            ((100.0 * low).floor() as i32, (100.0 * high).ceil() as i32)
        };
        let step = [1, 2, 5, 10, 20, 25, 50]
            .into_iter()
            .find(|step| high - low <= 5 * step);
        let step = step.unwrap_or(100);
        let (low, high) = (
            low.div_euclid(step) * step,
            -(-high).div_euclid(step) * step,
        );
        Self {
            low,
            high: high.max(low + step),
            step,
        }
    }

    /// Draws a value as a dot and its interval as a line.
    pub(in crate::evaluation::report) fn whisker(
        &self,
        value: f64,
        [low, high]: [f64; 2],
    ) -> Markup {
        let middle = length(HEIGHT / 2.0);
        html! {
            svg.whisker viewBox={ "0 0 " (length(WIDTH)) " " (length(HEIGHT)) } aria-hidden="true" {
                (self.lines())
                line.interval x1=(length(self.x(low))) x2=(length(self.x(high))) y1=(middle) y2=(middle) {}
                circle.dot cx=(length(self.x(value))) cy=(middle) r="4.5" {}
            }
        }
    }

    /// Draws the labels of the grid lines; `name` formats hundredths.
    pub(in crate::evaluation::report) fn axis(&self, name: impl Fn(i32) -> String) -> Markup {
        html! {
            svg.whisker viewBox={ "0 0 " (length(WIDTH)) " 16" } aria-hidden="true" {
                @for tick in self.ticks() {
                    text x=(length(self.x(f64::from(tick) / 100.0))) y="12" text-anchor="middle" { (name(tick)) }
                }
            }
        }
    }

    fn lines(&self) -> Markup {
        html! {
            @for tick in self.ticks() {
                @let x = length(self.x(f64::from(tick) / 100.0));
                line class=(if tick == 0 && self.low < 0 { "zero" } else { "grid" }) x1=(x) x2=(x) y1="0" y2=(length(HEIGHT)) {}
            }
        }
    }

    fn ticks(self) -> impl Iterator<Item = i32> {
        (0..)
            .map(move |index| self.low + index * self.step)
            .take_while(move |tick| *tick <= self.high)
    }

    fn x(&self, value: f64) -> f64 {
        let (low, high) = (f64::from(self.low) / 100.0, f64::from(self.high) / 100.0);
        MARGIN + (value - low) / (high - low) * (WIDTH - 2.0 * MARGIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scale_contains_all_values_on_few_round_lines() {
        let scale = |intervals: &[[f64; 2]]| {
            let scale = Scale::of(intervals.iter().copied());
            scale.ticks().collect::<Vec<_>>()
        };
        assert_eq!(
            scale(&[[0.623, 0.646], [0.617, 0.652]]),
            [61, 62, 63, 64, 65, 66]
        );
        assert_eq!(scale(&[[0.0, 1.0]]), [0, 20, 40, 60, 80, 100]);
        assert_eq!(scale(&[[-0.021, 0.005]]), [-3, -2, -1, 0, 1]);
        assert_eq!(scale(&[[-1.0, 1.0]]), [-100, -50, 0, 50, 100]);
        assert_eq!(scale(&[[0.5, 0.5]]), [50, 51]);
        assert_eq!(scale(&[]), [0, 20, 40, 60, 80, 100]);
    }
}
