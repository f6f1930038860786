//! The bounded queue of ended spans. The batch processor of the SDK does not expose the number of spans that it drops, so the
//! limit is enforced and counted here.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use opentelemetry::Context;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{BatchSpanProcessor, Span, SpanData, SpanProcessor},
};

use crate::metrics::SpanMetrics;

/// Maximum number of spans that wait for their export. Further spans are dropped.
pub(super) const MAX_QUEUED_SPANS: usize = 2048;

/// Counts the spans that wait for their export. Clones share the count.
#[derive(Debug, Clone)]
pub(super) struct SpanQueue {
    waiting: Arc<AtomicUsize>,
    metrics: SpanMetrics,
}

impl SpanQueue {
    /// Creates an empty queue.
    pub(super) fn new(metrics: SpanMetrics) -> Self {
        Self {
            waiting: Arc::default(),
            metrics,
        }
    }

    /// Adds a span. Returns `false` and counts the span as dropped if the queue is full.
    fn try_add(&self) -> bool {
        let add = |waiting| (waiting < MAX_QUEUED_SPANS).then_some(waiting + 1);
        let added = self
            .waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        if added.is_err() {
            self.metrics.dropped.inc();
        }
        added.is_ok()
    }

    /// Removes spans whose export begins.
    pub(super) fn remove(&self, spans: usize) {
        self.waiting.fetch_sub(spans, Ordering::Relaxed);
    }

    /// Counts the spans of an ended export.
    pub(super) fn count_export(&self, spans: usize, succeeded: bool) {
        let counter = if succeeded {
            &self.metrics.exported
        } else {
            &self.metrics.failed
        };
        counter.inc_by(spans as u64);
    }
}

/// A batch processor behind a [`SpanQueue`]. Its own queue has the same maximum length, so it does not drop spans.
#[derive(Debug)]
pub(super) struct LimitedProcessor {
    inner: BatchSpanProcessor,
    queue: SpanQueue,
}

impl LimitedProcessor {
    pub(super) fn new(inner: BatchSpanProcessor, queue: SpanQueue) -> Self {
        Self { inner, queue }
    }
}

impl SpanProcessor for LimitedProcessor {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.queue.try_add() {
            self.inner.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    #[test]
    fn full_queue_drops_and_counts_spans() {
        let metrics = Metrics::new().spans.counters();
        let queue = SpanQueue::new(metrics.clone());
        assert!((0..MAX_QUEUED_SPANS).all(|_| queue.try_add()));
        assert!(!queue.try_add());
        assert_eq!(metrics.dropped.get(), 1);
        queue.remove(1);
        assert!(queue.try_add());
        assert_eq!(metrics.dropped.get(), 1);
    }
}
