//! When measuring ends.

use std::time::{Duration, Instant};

use crate::inference::InferenceError;

/// When measuring ends.
#[derive(Clone, Copy)]
pub struct Until<'a> {
    /// A look that would end later is not begun.
    pub deadline: Instant,
    /// Asked before each look: whether the cores are wanted for something else.
    pub stop: &'a (dyn Fn() -> bool + Sync),
}

impl Until<'_> {
    pub(super) fn has(self, time: Duration) -> bool {
        Instant::now() + time <= self.deadline && !(self.stop)()
    }

    pub(super) fn check(self) -> Result<(), InferenceError> {
        let stopped = || InferenceError::Run("measuring was stopped".to_owned());
        if (self.stop)() { Err(stopped()) } else { Ok(()) }
    }
}
