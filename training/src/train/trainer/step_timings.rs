//! Durations of the phases of training steps.

use std::time::Duration;

/// Wall-clock time of all steps of this process, by phase.
#[derive(Debug, Clone, Copy, Default)]
pub struct StepTimings {
    /// Waiting for batches.
    pub data: Duration,
    /// Forward passes, from images to losses. With several threads, the mean over the threads.
    pub forward: Duration,
    /// Backward passes, from losses to gradients. With several threads, the mean over the threads.
    pub backward: Duration,
    /// Optimiser and weight averaging.
    pub step: Duration,
    /// Whole steps.
    pub total: Duration,
}
