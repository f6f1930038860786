//! The points of one layout: up to which batch size they are measured, and which of them are sampled again.

use std::time::Duration;

use super::{
    sessions::{Point, Sessions},
    stop_condition::StopCondition,
};
use crate::inference::{InferenceError, Model};

/// The sweep of a layout ends if a larger batch has less than this share of the best throughput of a smaller one.
const REGRESSION_RATIO: f64 = 0.9;

/// The sweep of a layout ends if two larger batches in a row improve the throughput by less than this ratio.
const IMPROVEMENT_RATIO: f64 = 1.01;

/// The sweep of a layout that is not near the best one ends if a larger batch improves the throughput by less than this
/// ratio, because the layout will not catch up.
const MIN_GROWTH_RATIO: f64 = 1.05;

/// Batches that would take longer than this are not tried.
const MAX_BATCH_LATENCY: Duration = Duration::from_millis(250);

/// Points with at least this share of the best throughput are sampled again.
pub(super) const NEAR_BEST_RATIO: f64 = 0.93;

/// The sessions of one layout and the points that were measured with them.
pub(super) struct LayoutSweep<M: Model + ?Sized> {
    pub(super) sessions: Sessions<M>,
    pub(super) points: Vec<Point>,
    /// Whether larger batches are not tried any more.
    pub(super) ended: bool,
}

impl<M: Model + ?Sized> LayoutSweep<M> {
    pub(super) fn new(sessions: Sessions<M>) -> Self {
        Self {
            sessions,
            points: Vec::new(),
            ended: false,
        }
    }

    pub(super) fn best(&self) -> f64 {
        best(&self.points)
    }

    /// Returns whether a sample of this batch size, with one inference call to warm up, ends in time.
    pub(super) fn has_time_for(&self, batch: usize, stop: StopCondition<'_>) -> bool {
        let Some(last) = self.points.iter().rfind(|point| point.batch <= batch) else {
            return true;
        };
        let run = Duration::from_secs_f64(last.run_ms / 1e3 * batch as f64 / last.batch as f64);
        stop.has(run + run.max(stop.sample))
    }

    /// Records a point of the sweep and decides whether larger batches are tried. `best_throughput` is the maximum of all
    /// layouts so far, in images per second.
    pub(super) fn record(
        &mut self,
        mut point: Point,
        best_throughput: f64,
        inputs: &[M::Input],
        stop: StopCondition<'_>,
    ) -> Result<(), InferenceError> {
        let doubtful = point.images_per_second < REGRESSION_RATIO * self.best();
        if doubtful && self.has_time_for(point.batch, stop) {
            let second = self
                .sessions
                .measure(&inputs[..point.batch], stop.sample, true)?;
            if second.images_per_second > point.images_per_second {
                point = second;
            }
        }
        self.ended = ends(&self.points, &point, best_throughput);
        self.points.push(point);
        Ok(())
    }

    /// Samples the points with at least `min_throughput` images per second again and keeps the better samples.
    pub(super) fn resample(
        &mut self,
        min_throughput: f64,
        inputs: &[M::Input],
        stop: StopCondition<'_>,
    ) -> Result<(), InferenceError> {
        for index in 0..self.points.len() {
            let old = self.points[index];
            if old.images_per_second >= min_throughput && self.has_time_for(old.batch, stop) {
                let new = self
                    .sessions
                    .measure(&inputs[..old.batch], stop.sample, true)?;
                if new.images_per_second > old.images_per_second {
                    self.points[index] = new;
                }
            }
        }
        Ok(())
    }
}

/// Returns the highest throughput of the points in images per second; 0 without points.
fn best(points: &[Point]) -> f64 {
    points
        .iter()
        .map(|point| point.images_per_second)
        .fold(0.0, f64::max)
}

/// Returns whether batches larger than that of a layout's last point are not worth trying.
fn ends(earlier: &[Point], last: &Point, best_throughput: f64) -> bool {
    let flat = |point: &Point, before| point.images_per_second < IMPROVEMENT_RATIO * before;
    let before = best(earlier);
    let second_flat = earlier
        .split_last()
        .is_some_and(|(previous, first)| flat(previous, best(first)));
    let far = last.images_per_second < NEAR_BEST_RATIO * best_throughput;
    last.images_per_second < REGRESSION_RATIO * before
        || (flat(last, before) && second_flat)
        || (far && last.images_per_second < MIN_GROWTH_RATIO * before)
        || 2.0 * last.run_ms > MAX_BATCH_LATENCY.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns whether a layout's sweep ends with the last of these throughputs, in images per second.
    fn ended(rates: &[f64], best_throughput: f64) -> bool {
        let point = |(index, &images_per_second): (usize, &f64)| {
            let batch = 1 << index;
            let run_ms = 1e3 * batch as f64 / images_per_second;
            Point {
                instances: 1,
                intra_op_threads: 2,
                batch,
                images_per_second,
                run_ms,
                spread: 0.0,
            }
        };
        let points: Vec<_> = rates.iter().enumerate().map(point).collect();
        let (last, earlier) = points.split_last().unwrap();
        ends(earlier, last, best_throughput)
    }

    #[test]
    fn sweep_ends_when_larger_batches_do_not_help() {
        assert!(!ended(&[155.0], 300.0), "first point");
        assert!(
            !ended(&[155.0, 200.0, 240.0, 285.0], 315.0),
            "still growing"
        );
        assert!(
            ended(&[155.0, 200.0, 240.0, 285.0, 287.0], 315.0),
            "far behind and not growing"
        );
        assert!(
            !ended(&[285.0, 287.0], 300.0),
            "near the best and flat once"
        );
        assert!(ended(&[285.0, 287.0, 286.0], 300.0), "flat twice");
        assert!(ended(&[300.0, 260.0], 300.0), "worse than before");
        assert!(
            ended(&[4.0, 7.5], 7.5),
            "the next batch would take too long"
        );
    }
}
