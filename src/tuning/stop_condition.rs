//! The end of a measurement.

use std::time::{Duration, Instant};

use crate::inference::InferenceError;

/// Bounds of a measurement.
#[derive(Clone, Copy)]
pub struct StopCondition<'a> {
    /// A sample that would end after the deadline is not started.
    pub deadline: Instant,
    /// Duration of one sample.
    pub sample: Duration,
    /// Checked before each sample: returns whether the cores are needed for something else.
    pub interrupted: &'a (dyn Fn() -> bool + Sync),
}

impl<'a> StopCondition<'a> {
    /// Starts a measurement that takes up to `budget`. One sample takes a fortieth of it, between 5 ms and 1 s.
    pub fn within(budget: Duration, interrupted: &'a (dyn Fn() -> bool + Sync)) -> Self {
        let sample = (budget / 40).clamp(Duration::from_millis(5), Duration::from_secs(1));
        Self {
            deadline: Instant::now() + budget,
            sample,
            interrupted,
        }
    }

    /// Returns whether `time` is left and the measurement is not interrupted.
    pub(super) fn has(self, time: Duration) -> bool {
        Instant::now() + time <= self.deadline && !(self.interrupted)()
    }

    /// Returns whether the cores are needed for something else.
    pub fn is_interrupted(self) -> bool {
        (self.interrupted)()
    }

    /// Checks that the measurement is not interrupted.
    ///
    /// # Errors
    /// Returns an error if it is interrupted.
    pub fn check(self) -> Result<(), InferenceError> {
        if (self.interrupted)() {
            return Err(InferenceError::Run(
                "the measurement was interrupted".to_owned(),
            ));
        }
        Ok(())
    }
}
