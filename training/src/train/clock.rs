//! Where the time of training goes.

use std::time::Duration;

/// Wall-clock time of the steps that this process has taken.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    /// Waiting for batches.
    pub data: Duration,
    /// From pictures to losses. Threads that work side by side count by their mean.
    pub forward: Duration,
    /// From losses to gradients, likewise.
    pub backward: Duration,
    /// Optimiser and average of the weights.
    pub step: Duration,
    /// Whole steps.
    pub total: Duration,
}
