//! Corrects a curve by the durations of live inference calls.

use std::time::Duration;

use super::{sessions::Point, space::Layout};

/// Minimum number of calls of a batch size. The estimate of their median is then independent of the first calls.
const MIN_CALLS: u64 = 100;

/// A live duration contradicts the curve if it is longer or shorter than the measured one by more than this ratio.
const TOLERANCE: f64 = 1.25;

/// Live inference calls with a number of images while all cores of the layout were in use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LiveCalls {
    /// Number of images per call.
    pub batch: usize,
    /// Number of calls.
    pub calls: u64,
    /// Median of the durations.
    pub median: Duration,
}

/// Returns corrected points if live calls with `layout` contradict a point. Batch sizes with enough live calls get the live
/// duration. All other points are scaled by the median ratio of these sizes, because the speed of the machine has probably
/// changed for all of them. Returns `None` if no point is contradicted.
pub(super) fn refine(points: &[Point], layout: Layout, live: &[LiveCalls]) -> Option<Vec<Point>> {
    let ratio = |point: &Point| {
        let is_same = |calls: &&LiveCalls| point.layout() == layout && point.batch == calls.batch;
        let calls = live.iter().find(is_same).filter(|c| c.calls >= MIN_CALLS)?;
        Some(calls.median.as_secs_f64() * 1e3 / point.run_ms)
    };
    let observed: Vec<Option<f64>> = points.iter().map(ratio).collect();
    let mut ratios: Vec<f64> = observed.iter().flatten().copied().collect();
    let is_contradiction = |ratio: &f64| *ratio > TOLERANCE || *ratio < 1.0 / TOLERANCE;
    if !ratios.iter().any(is_contradiction) {
        return None;
    }
    ratios.sort_unstable_by(f64::total_cmp);
    let median = ratios[ratios.len() / 2];
    let corrected = points.iter().zip(observed).map(|(point, observed)| {
        let ratio = observed.unwrap_or(median);
        Point {
            run_ms: point.run_ms * ratio,
            images_per_second: point.images_per_second / ratio,
            ..*point
        }
    });
    Some(corrected.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tuning::choose;

    const LAYOUT: Layout = Layout {
        instances: 2,
        intra_op_threads: 1,
    };

    fn point(layout: Layout, batch: usize, run_ms: f64) -> Point {
        let Layout {
            instances,
            intra_op_threads,
        } = layout;
        Point {
            instances,
            intra_op_threads,
            batch,
            images_per_second: 1e3 * (instances * batch) as f64 / run_ms,
            run_ms,
            spread: 0.0,
        }
    }

    /// A curve whose best batch size is 4, and a second layout.
    fn curve() -> Vec<Point> {
        let other = Layout {
            instances: 1,
            intra_op_threads: 2,
        };
        let runs = [(1, 10.0), (2, 18.0), (4, 30.0), (8, 80.0)];
        let mut points: Vec<_> = runs.map(|(batch, ms)| point(LAYOUT, batch, ms)).into();
        points.push(point(other, 1, 6.0));
        points
    }

    fn live(batch: usize, calls: u64, ms: u64) -> LiveCalls {
        let median = Duration::from_millis(ms);
        LiveCalls {
            batch,
            calls,
            median,
        }
    }

    #[test]
    fn similar_or_few_calls_change_nothing() {
        let similar = [live(1, 1000, 12), live(2, 1000, 15), live(4, 1000, 37)];
        assert_eq!(refine(&curve(), LAYOUT, &similar), None);
        let few = [live(4, MIN_CALLS - 1, 300)];
        assert_eq!(refine(&curve(), LAYOUT, &few), None);
        let unmeasured = [live(3, 1000, 1)];
        assert_eq!(refine(&curve(), LAYOUT, &unmeasured), None);
        assert_eq!(refine(&curve(), LAYOUT, &[]), None);
    }

    #[test]
    fn slower_calls_move_choice_to_smaller_batch() {
        let points = curve();
        assert_eq!(choose(&points).unwrap().batch, 4);
        let slower = [live(1, 500, 10), live(2, 500, 18), live(4, 500, 50)];
        let refined = refine(&points, LAYOUT, &slower).unwrap();
        let runs: Vec<f64> = refined.iter().map(|point| point.run_ms.round()).collect();
        assert_eq!(runs, [10.0, 18.0, 50.0, 80.0, 6.0]);
        assert_eq!(choose(&refined).unwrap().batch, 2);
    }

    #[test]
    fn unobserved_points_are_scaled_by_median_ratio() {
        let refined = refine(&curve(), LAYOUT, &[live(4, 500, 60)]).unwrap();
        let runs: Vec<f64> = refined.iter().map(|point| point.run_ms.round()).collect();
        assert_eq!(runs, [20.0, 36.0, 60.0, 160.0, 12.0]);
        assert_eq!(choose(&refined).unwrap().batch, 4, "the shape is unchanged");
    }
}
