//! Measures images/s over instances x threads x batch size.
//!
//! A sweep looks at every point once, the layouts in turn, and follows a layout's batches no further than they help.
//! What time is left goes to the points near the best, again in turn; of each the best look counts: a machine that
//! is busy with something else only ever makes a look slower.

use std::time::{Duration, Instant};

use super::{
    sessions::{Open, Point, Sessions, pictures},
    space::Space,
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
const NEAR: f64 = 0.93;

/// How often they are looked at again at most.
const ROUNDS: usize = 4;

/// When measuring ends.
#[derive(Clone, Copy)]
pub struct Until<'a> {
    /// A look that would end later is not begun.
    pub deadline: Instant,
    /// Asked before each look: whether the cores are wanted for something else.
    pub stop: &'a (dyn Fn() -> bool + Sync),
}

impl Until<'_> {
    fn has(self, time: Duration) -> bool {
        Instant::now() + time <= self.deadline && !(self.stop)()
    }

    fn check(self) -> Result<(), InferenceError> {
        let stopped = || InferenceError::Run("measuring was stopped".to_owned());
        if (self.stop)() { Err(stopped()) } else { Ok(()) }
    }
}

/// Measures the points of a space, with at least one of each layout. `side` is that of the model's pictures.
///
/// # Errors
/// When no session can be opened, one fails on a single image, or measuring is stopped.
pub fn measure(
    space: &Space,
    side: usize,
    until: Until<'_>,
    open: &Open<'_>,
) -> Result<Vec<Point>, InferenceError> {
    let look = (until.deadline.saturating_duration_since(Instant::now()) / 40)
        .clamp(Duration::from_millis(5), Duration::from_secs(1));
    let largest = space.batches.last().copied().unwrap_or(1);
    let inputs = pictures(side, largest);
    let mut tracks = Vec::with_capacity(space.layouts.len());
    for &layout in &space.layouts {
        until.check()?;
        tracks.push(Track::new(Sessions::open(layout, largest, open)?));
    }
    sweep(&mut tracks, &space.batches, &inputs, look, until)?;
    for _ in 0..ROUNDS {
        let best = tracks.iter().map(Track::best).fold(0.0, f64::max);
        for track in &mut tracks {
            track.look_again(NEAR * best, &inputs, look, until)?;
        }
    }
    Ok(tracks.into_iter().flat_map(|track| track.points).collect())
}

fn sweep(
    tracks: &mut [Track],
    batches: &[usize],
    inputs: &[Input],
    look: Duration,
    until: Until<'_>,
) -> Result<(), InferenceError> {
    let mut leader = 0.0_f64;
    for &batch in batches {
        for track in tracks.iter_mut().filter(|track| !track.ended) {
            until.check()?;
            let first = track.points.is_empty();
            if !first && !track.has_time_for(batch, look, until) {
                track.ended = true;
                continue;
            }
            match track.sessions.measure(&inputs[..batch], look, true) {
                Ok(point) => {
                    leader = leader.max(point.images_per_second);
                    track.note(point, leader, inputs, look, until)?;
                }
                Err(error) if first => return Err(error),
                // Memory for batches ends somewhere, on a GPU soon.
                Err(error) => {
                    tracing::debug!(batch, "tuning: no larger batch: {error}");
                    track.ended = true;
                }
            }
        }
    }
    Ok(())
}

/// A layout's sessions and what was measured of them.
struct Track {
    sessions: Sessions,
    points: Vec<Point>,
    /// Whether larger batches are of no use.
    ended: bool,
}

impl Track {
    fn new(sessions: Sessions) -> Self {
        Self { sessions, points: Vec::new(), ended: false }
    }

    fn best(&self) -> f64 {
        self.points.iter().map(|point| point.images_per_second).fold(0.0, f64::max)
    }

    /// Whether a look at the batch size, with one run to warm up, ends in time.
    fn has_time_for(&self, batch: usize, look: Duration, until: Until<'_>) -> bool {
        let Some(last) = self.points.iter().rfind(|point| point.batch <= batch) else {
            return true;
        };
        let run = Duration::from_secs_f64(last.run_ms / 1e3 * batch as f64 / last.batch as f64);
        until.has(run + run.max(look))
    }

    /// Takes a point of the sweep in and decides whether larger batches are worth a look. `leader` is the most images/s of
    /// all layouts so far.
    fn note(
        &mut self,
        mut point: Point,
        leader: f64,
        inputs: &[Input],
        look: Duration,
        until: Until<'_>,
    ) -> Result<(), InferenceError> {
        let best = self.best();
        let doubtful = point.images_per_second < WORSE * best;
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
    fn look_again(
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

/// Whether larger batches than a layout's last one, `point`, are of no use.
fn ends(earlier: &[Point], point: &Point, leader: f64) -> bool {
    let best = |points: &[Point]| points.iter().map(|p| p.images_per_second).fold(0.0, f64::max);
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
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        thread,
    };

    use super::*;
    use crate::{
        inference::{Answer, Classifier, Probabilities},
        tuning::{choose, space::Layout},
    };

    /// Takes as long for a batch as for an image; fails above a batch size.
    struct Fake {
        most: usize,
    }

    impl Classifier for Fake {
        fn classify(
            &mut self,
            inputs: &[Input],
        ) -> Result<Vec<Result<Answer, InferenceError>>, InferenceError> {
            if inputs.len() > self.most {
                return Err(InferenceError::Run("too many".to_owned()));
            }
            thread::sleep(Duration::from_millis(2));
            let answer = Answer {
                probabilities: Probabilities::new(&[1.0]).unwrap(),
                outputs: Box::default(),
            };
            Ok(vec![Ok(answer); inputs.len()])
        }
    }

    fn space() -> Space {
        let layouts = [(2, 1), (1, 2)].map(|(instances, threads)| Layout { instances, threads });
        Space { layouts: layouts.to_vec(), batches: vec![1, 2, 4, 8, 16] }
    }

    fn in_ms(time: u64) -> Until<'static> {
        Until { deadline: Instant::now() + Duration::from_millis(time), stop: &|| false }
    }

    #[test]
    fn finds_the_layout_and_the_batch_that_do_most() {
        let opened = AtomicUsize::new(0);
        let open = |threads, _| -> Result<Box<dyn Classifier>, InferenceError> {
            opened.fetch_add(threads, Ordering::Relaxed);
            Ok(Box::new(Fake { most: 8 }))
        };
        let points = measure(&space(), 4, in_ms(3_000), &open).unwrap();
        assert_eq!(opened.into_inner(), 4, "two sessions of one core, one of two");
        let batches = |instances| -> Vec<usize> {
            points.iter().filter(|p| p.instances == instances).map(|p| p.batch).collect()
        };
        // The batch that fails ends the sweep and not the measurement.
        assert_eq!((batches(2), batches(1)), (vec![1, 2, 4, 8], vec![1, 2, 4, 8]));
        assert_eq!(choose(&points).unwrap().to_string(), "2x1 batch 8");
        assert!(points.iter().all(|point| point.run_ms >= 2.0 && point.images_per_second > 0.0));
    }

    /// Whether a layout's sweep ends with the last of these images/s; `leader` is the most of all layouts.
    fn ended(rates: &[f64], leader: f64) -> bool {
        let point = |(index, &images_per_second): (usize, &f64)| {
            let batch = 1 << index;
            let run_ms = 1e3 * batch as f64 / images_per_second;
            Point { instances: 1, threads: 2, batch, images_per_second, run_ms }
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

    #[test]
    fn without_time_each_layout_gets_one_look() {
        let open = |_, _| -> Result<Box<dyn Classifier>, InferenceError> {
            Ok(Box::new(Fake { most: usize::MAX }))
        };
        let points = measure(&space(), 4, in_ms(0), &open).unwrap();
        assert_eq!(points.iter().map(|p| p.batch).collect::<Vec<_>>(), [1, 1]);
    }

    #[test]
    fn it_stops_when_it_is_told() {
        let asked = AtomicUsize::new(0);
        let open = |_, _| -> Result<Box<dyn Classifier>, InferenceError> {
            Ok(Box::new(Fake { most: usize::MAX }))
        };
        let stop = || asked.fetch_add(1, Ordering::Relaxed) >= 3;
        let until = Until { stop: &stop, ..in_ms(3_600_000) };
        assert!(measure(&space(), 4, until, &open).is_err());
    }

    #[test]
    fn a_model_that_fails_has_no_curve() {
        let open = |_, _| -> Result<Box<dyn Classifier>, InferenceError> {
            Ok(Box::new(Fake { most: 0 }))
        };
        assert!(measure(&space(), 4, in_ms(30_000), &open).is_err());
        let closed = |_, _| -> Result<Box<dyn Classifier>, InferenceError> {
            Err(InferenceError::Model("no".to_owned()))
        };
        assert!(measure(&space(), 4, in_ms(30_000), &closed).is_err());
    }
}
