//! One layout's part of the curve: how far its batches are followed, and what is looked at again.

use std::time::Duration;

use super::{
    sessions::{Point, Sessions},
    until::Until,
};
use crate::inference::{InferenceError, Input};

/// A batch this much worse than a smaller one, a ratio of their throughputs, ends its layout's sweep.
const WORSE: f64 = 0.9;

/// What a larger batch must bring, a ratio; two in a row that bring less end their layout's sweep.
const BETTER: f64 = 1.01;

/// What a larger batch must bring, a ratio, to a layout that is not near the best one; less, and it will not get there.
const CATCHING_UP: f64 = 1.05;

/// Nobody is to wait longer for one run; a larger batch is not tried.
const LONGEST_RUN: Duration = Duration::from_millis(250);

/// Points this near the best, a ratio, are looked at again.
pub(super) const NEAR: f64 = 0.93;

/// A layout's sessions and what was measured of them.
pub(super) struct Track {
    pub(super) sessions: Sessions,
    pub(super) points: Vec<Point>,
    /// Whether larger batches are of no use.
    pub(super) ended: bool,
}

impl Track {
    pub(super) fn new(sessions: Sessions) -> Self {
        Self { sessions, points: Vec::new(), ended: false }
    }

    pub(super) fn best(&self) -> f64 {
        best(&self.points)
    }

    /// Whether a look at the batch size, with one run to warm up, ends in time.
    pub(super) fn has_time_for(&self, batch: usize, look: Duration, until: Until<'_>) -> bool {
        let Some(last) = self.points.iter().rfind(|point| point.batch <= batch) else {
            return true;
        };
        let run = Duration::from_secs_f64(last.run_ms / 1e3 * batch as f64 / last.batch as f64);
        until.has(run + run.max(look))
    }

    /// Takes a point of the sweep in and decides whether larger batches are worth a look. `leader` is the most images/s of
    /// all layouts so far.
    pub(super) fn note(
        &mut self,
        mut point: Point,
        leader: f64,
        inputs: &[Input],
        look: Duration,
        until: Until<'_>,
    ) -> Result<(), InferenceError> {
        let doubtful = point.images_per_second < WORSE * self.best();
        if doubtful && self.has_time_for(point.batch, look, until) {
            let second = self.sessions.measure(&inputs[..point.batch], look, true)?;
            if second.images_per_second > point.images_per_second {
                point = second;
            }
        }
        self.ended = ends(&self.points, &point, leader);
        self.points.push(point);
        Ok(())
    }

    /// Looks again at the points of at least this many images/s.
    pub(super) fn look_again(
        &mut self,
        least: f64,
        inputs: &[Input],
        look: Duration,
        until: Until<'_>,
    ) -> Result<(), InferenceError> {
        for index in 0..self.points.len() {
            let old = self.points[index];
            let again = old.images_per_second >= least;
            if again && self.has_time_for(old.batch, look, until) {
                let new = self.sessions.measure(&inputs[..old.batch], look, true)?;
                if new.images_per_second > old.images_per_second {
                    self.points[index] = new;
                }
            }
        }
        Ok(())
    }
}

/// The most images/s of some points, 0 without any.
fn best(points: &[Point]) -> f64 {
    points.iter().map(|point| point.images_per_second).fold(0.0, f64::max)
}

/// Whether larger batches than a layout's last one, `point`, are of no use.
fn ends(earlier: &[Point], point: &Point, leader: f64) -> bool {
    let flat = |point: &Point, before| point.images_per_second < BETTER * before;
    let before = best(earlier);
    let second_flat = earlier.split_last().is_some_and(|(last, first)| flat(last, best(first)));
    let far = point.images_per_second < NEAR * leader;
    point.images_per_second < WORSE * before
        || (flat(point, before) && second_flat)
        || (far && point.images_per_second < CATCHING_UP * before)
        || 2.0 * point.run_ms > LONGEST_RUN.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a layout's sweep ends with the last of these images/s; `leader` is the most of all layouts.
    fn ended(rates: &[f64], leader: f64) -> bool {
        let point = |(index, &images_per_second): (usize, &f64)| {
            let batch = 1 << index;
            let run_ms = 1e3 * batch as f64 / images_per_second;
            Point { instances: 1, intra_op_threads: 2, batch, images_per_second, run_ms }
        };
        let points: Vec<_> = rates.iter().enumerate().map(point).collect();
        let (last, earlier) = points.split_last().unwrap();
        ends(earlier, last, leader)
    }

    #[test]
    fn a_layout_is_followed_as_long_as_batches_may_help_it() {
        assert!(!ended(&[155.0], 300.0), "the first says nothing");
        assert!(!ended(&[155.0, 200.0, 240.0, 285.0], 315.0), "it grows");
        assert!(
            ended(&[155.0, 200.0, 240.0, 285.0, 287.0], 315.0),
            "it is far behind and grows no more"
        );
        assert!(!ended(&[285.0, 287.0], 300.0), "it is near and flat once");
        assert!(ended(&[285.0, 287.0, 286.0], 300.0), "flat twice");
        assert!(ended(&[300.0, 260.0], 300.0), "worse");
        assert!(ended(&[4.0, 7.5], 7.5), "nobody waits that long");
    }
}
