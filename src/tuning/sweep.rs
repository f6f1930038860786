//! Measures throughput over instances x threads x batch size.
//!
//! The sweep samples every point once, alternating between layouts. It ends for a layout when larger batches do not
//! improve the throughput any more. The remaining time is used to sample the points near the best one again. The best
//! sample of each point counts, because other load on the machine only makes samples slower.

use super::{
    layout_sweep::{LayoutSweep, NEAR_BEST_RATIO},
    sessions::{Open, Point, Sessions},
    space::Space,
    stop_condition::StopCondition,
};
use crate::inference::{InferenceError, Model};

/// Maximum number of times that points near the best one are sampled again.
const ROUNDS: usize = 4;

/// Measures the points of a space, at least one per layout. `inputs` returns a number of images for the model.
///
/// # Errors
/// Returns an error if a session cannot be opened, if one fails on a single image, or if the measurement is interrupted.
pub fn measure<M: Model + ?Sized>(
    space: &Space,
    inputs: impl FnOnce(usize) -> Vec<M::Input>,
    stop: StopCondition<'_>,
    open: &Open<'_, M>,
) -> Result<Vec<Point>, InferenceError> {
    let largest = space.batches.last().copied().unwrap_or(1);
    let inputs = inputs(largest);
    let mut sweeps = Vec::with_capacity(space.layouts.len());
    for &layout in &space.layouts {
        stop.check()?;
        sweeps.push(LayoutSweep::new(Sessions::open(layout, largest, open)?));
    }
    sweep_all(&mut sweeps, &space.batches, &inputs, stop)?;
    for _ in 0..ROUNDS {
        let best = sweeps.iter().map(LayoutSweep::best).fold(0.0, f64::max);
        for sweep in &mut sweeps {
            sweep.resample(NEAR_BEST_RATIO * best, &inputs, stop)?;
        }
    }
    Ok(sweeps.into_iter().flat_map(|sweep| sweep.points).collect())
}

fn sweep_all<M: Model + ?Sized>(
    sweeps: &mut [LayoutSweep<M>],
    batches: &[usize],
    inputs: &[M::Input],
    stop: StopCondition<'_>,
) -> Result<(), InferenceError> {
    let mut best_throughput = 0.0_f64;
    for &batch in batches {
        for sweep in sweeps.iter_mut().filter(|sweep| !sweep.ended) {
            stop.check()?;
            let first = sweep.points.is_empty();
            if !first && !sweep.has_time_for(batch, stop) {
                sweep.ended = true;
                continue;
            }
            match sweep.sessions.measure(&inputs[..batch], stop.sample, true) {
                Ok(point) => {
                    best_throughput = best_throughput.max(point.images_per_second);
                    sweep.record(point, best_throughput, inputs, stop)?;
                }
                // Other layouts and batches would also take as long as the limit.
                Err(error @ InferenceError::Timeout(_)) => return Err(error),
                Err(error) if first => return Err(error),
                // The memory of the device limits the batch size.
                Err(error) => {
                    tracing::debug!(batch, %error, "tuning: larger batches fail");
                    sweep.ended = true;
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
        time::{Duration, Instant},
    };

    use super::*;
    use crate::{
        inference::{Classifier, Input, Prediction, Probabilities},
        tuning::{choose, sessions::random_inputs, space::Layout},
    };

    /// Duration of a call. It is so long that a loaded machine does not double it.
    const CALL: Duration = Duration::from_millis(20);

    /// Takes as long for a batch as for one image and fails above a batch size.
    struct Fake {
        max_batch: usize,
    }

    impl Classifier for Fake {
        fn classify(
            &mut self,
            inputs: &[Input],
        ) -> Result<Vec<Result<Prediction, InferenceError>>, InferenceError> {
            if inputs.len() > self.max_batch {
                return Err(InferenceError::Run("too many".to_owned()));
            }
            thread::sleep(CALL);
            let prediction = Prediction {
                probabilities: Probabilities::new(&[1.0]).unwrap(),
                outputs: Box::default(),
            };
            Ok(vec![Ok(prediction); inputs.len()])
        }
    }

    fn space() -> Space {
        let layouts = [(2, 1), (1, 2)].map(|(instances, intra_op_threads)| Layout {
            instances,
            intra_op_threads,
        });
        Space {
            layouts: layouts.to_vec(),
            batches: vec![1, 2, 4, 8, 16],
        }
    }

    /// Samples of 10 ms and a deadline that is never reached: the results do not depend on the speed of the machine.
    fn without_deadline(interrupted: &(dyn Fn() -> bool + Sync)) -> StopCondition<'_> {
        let deadline = Instant::now() + Duration::from_secs(3_600);
        StopCondition {
            deadline,
            sample: Duration::from_millis(10),
            interrupted,
        }
    }

    #[test]
    fn curve_contains_fastest_layout_and_batch() {
        let opened = AtomicUsize::new(0);
        let open = |intra_op_threads, _| -> Result<Box<dyn Classifier>, InferenceError> {
            opened.fetch_add(intra_op_threads, Ordering::Relaxed);
            Ok(Box::new(Fake { max_batch: 8 }))
        };
        let points = measure(
            &space(),
            |count| random_inputs(4, count),
            without_deadline(&|| false),
            &open,
        )
        .unwrap();
        assert_eq!(
            opened.into_inner(),
            4,
            "two sessions of one core and one of two cores"
        );
        let batches = |instances| -> Vec<usize> {
            points
                .iter()
                .filter(|p| p.instances == instances)
                .map(|p| p.batch)
                .collect()
        };
        // The failing batch ends the sweep of its layout, not the measurement.
        assert_eq!(
            (batches(2), batches(1)),
            (vec![1, 2, 4, 8], vec![1, 2, 4, 8])
        );
        assert_eq!(
            choose(&points).unwrap().configuration().to_string(),
            "2x1 batch 8"
        );
        assert!(
            points
                .iter()
                .all(|point| point.run_ms >= 20.0 && point.images_per_second > 0.0)
        );
    }

    #[test]
    fn zero_budget_samples_each_layout_once() {
        let open = |_, _| -> Result<Box<dyn Classifier>, InferenceError> {
            Ok(Box::new(Fake {
                max_batch: usize::MAX,
            }))
        };
        let points = measure(
            &space(),
            |count| random_inputs(4, count),
            StopCondition::within(Duration::ZERO, &|| false),
            &open,
        )
        .unwrap();
        assert_eq!(points.iter().map(|p| p.batch).collect::<Vec<_>>(), [1, 1]);
    }

    #[test]
    fn interruption_ends_measurement() {
        let asked = AtomicUsize::new(0);
        let open = |_, _| -> Result<Box<dyn Classifier>, InferenceError> {
            Ok(Box::new(Fake {
                max_batch: usize::MAX,
            }))
        };
        let interrupted = || asked.fetch_add(1, Ordering::Relaxed) >= 3;
        assert!(
            measure(
                &space(),
                |count| random_inputs(4, count),
                without_deadline(&interrupted),
                &open
            )
            .is_err()
        );
    }

    #[test]
    fn failing_model_returns_error() {
        let open = |_, _| -> Result<Box<dyn Classifier>, InferenceError> {
            Ok(Box::new(Fake { max_batch: 0 }))
        };
        assert!(
            measure(
                &space(),
                |count| random_inputs(4, count),
                without_deadline(&|| false),
                &open
            )
            .is_err()
        );
        let closed = |_, _| -> Result<Box<dyn Classifier>, InferenceError> {
            Err(InferenceError::Model("no".to_owned()))
        };
        assert!(
            measure(
                &space(),
                |count| random_inputs(4, count),
                without_deadline(&|| false),
                &closed
            )
            .is_err()
        );
    }
}
