//! The metrics of exported spans.

use prometheus::{IntCounter, IntCounterVec, Registry};

use super::register::counter;

/// The family of exported spans.
pub struct SpanFamilies(IntCounterVec);

impl SpanFamilies {
    /// Creates and registers the family. Its series are created by [`Self::counters`], so a server without traces has none.
    pub(super) fn register(r: &Registry) -> Self {
        Self(counter(
            r,
            "mien_trace_spans_total",
            "Spans of traces by outcome.",
            &["outcome"],
        ))
    }

    /// Returns the counters. This creates their series with the value 0.
    pub fn counters(&self) -> SpanMetrics {
        let of = |outcome: &str| self.0.with_label_values(&[outcome]);
        SpanMetrics {
            exported: of("exported"),
            failed: of("failed"),
            dropped: of("dropped"),
        }
    }
}

/// The counters of spans. Clones share them.
#[derive(Debug, Clone)]
pub struct SpanMetrics {
    /// Spans that the collector has accepted.
    pub exported: IntCounter,
    /// Spans whose export failed.
    pub failed: IntCounter,
    /// Spans that were dropped because too many spans waited for their export.
    pub dropped: IntCounter,
}
