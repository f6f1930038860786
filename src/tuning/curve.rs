//! Measures images/s over instances x threads x batch size.
//!
//! A sweep looks at every point once, the layouts in turn, and follows a layout's batches no further than they help.
//! What time is left goes to the points near the best, again in turn; of each the best look counts: a machine that
//! is busy with something else only ever makes a look slower.

use std::time::{Duration, Instant};

use super::{
    sessions::{Open, Point, Sessions, pictures},
    space::Space,
    track::{NEAR, Track},
    until::Until,
};
use crate::inference::{InferenceError, Input};

/// How often points near the best are looked at again at most.
const ROUNDS: usize = 4;

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
        let layouts = [(2, 1), (1, 2)]
            .map(|(instances, intra_op_threads)| Layout { instances, intra_op_threads });
        Space { layouts: layouts.to_vec(), batches: vec![1, 2, 4, 8, 16] }
    }

    fn in_ms(time: u64) -> Until<'static> {
        Until { deadline: Instant::now() + Duration::from_millis(time), stop: &|| false }
    }

    #[test]
    fn finds_the_layout_and_the_batch_that_do_most() {
        let opened = AtomicUsize::new(0);
        let open = |intra_op_threads, _| -> Result<Box<dyn Classifier>, InferenceError> {
            opened.fetch_add(intra_op_threads, Ordering::Relaxed);
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
