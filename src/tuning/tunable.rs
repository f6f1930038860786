//! Models outside of the models directory that are tuned like those in it.

use std::time::Duration;

use super::{
    Point, TuningTarget,
    space::{Configuration, Space},
    stop_condition::StopCondition,
};
use crate::inference::InferenceError;

/// A model that is measured while the server is idle.
pub trait Tunable: Send + Sync {
    /// Returns the description for the tuner.
    fn target(&self) -> TuningTarget<'_>;

    /// Returns the time since the last image arrived; zero while images are queued.
    fn idle(&self) -> Duration;

    /// Measures the points of a space with sessions of their own.
    ///
    /// # Errors
    /// Returns an error if the model fails or the measurement is interrupted.
    fn sweep(&self, space: &Space, stop: StopCondition<'_>) -> Result<Vec<Point>, InferenceError>;

    /// Serves further images with a configuration. If that fails, the model continues to serve unchanged.
    fn reconfigure(&self, configuration: Configuration);
}
