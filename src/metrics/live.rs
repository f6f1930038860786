//! The metrics of live connections.

use prometheus::{IntCounter, IntGauge, Registry};

use super::{
    Counted,
    register::{counter, single_gauge},
};

/// Outcome of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveOutcome {
    /// Analysed.
    Ok,
    /// Not analysed; the result has an error.
    Failed,
    /// Dropped, because a newer frame arrived.
    Dropped,
}

/// The metrics of live connections.
pub struct LiveMetrics {
    connections: IntGauge,
    ok: IntCounter,
    failed: IntCounter,
    dropped: IntCounter,
}

impl LiveMetrics {
    /// Creates and registers the metrics.
    pub(super) fn register(registry: &Registry) -> Self {
        let frames = counter(
            registry,
            "mien_live_frames_total",
            "Received frames of /v1/live by outcome.",
            &["outcome"],
        );
        let frames = |outcome: &str| frames.with_label_values(&[outcome]);
        Self {
            connections: single_gauge(
                registry,
                "mien_live_connections",
                "Number of open connections of /v1/live.",
            ),
            ok: frames("ok"),
            failed: frames("failed"),
            dropped: frames("dropped"),
        }
    }

    /// Counts a connection until the result is dropped.
    pub fn open(&self) -> Counted {
        Counted::new(&self.connections, 1)
    }

    /// Counts a frame.
    pub fn count_frame(&self, outcome: LiveOutcome) {
        let counter = match outcome {
            LiveOutcome::Ok => &self.ok,
            LiveOutcome::Failed => &self.failed,
            LiveOutcome::Dropped => &self.dropped,
        };
        counter.inc();
    }
}
