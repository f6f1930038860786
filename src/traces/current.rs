//! The trace of the request that the current task processes, and the spans of its steps.

use std::{
    sync::Arc,
    time::{Instant, SystemTime},
};

use opentelemetry::{
    Context, KeyValue,
    trace::{self, Span as _, SpanContext, TraceContextExt, Tracer},
};
use opentelemetry_sdk::trace::{SdkTracer, Span};

tokio::task_local! {
    /// `None` if the request is not sampled.
    static CURRENT: Option<Arc<RequestTrace>>;
}

/// A sampled request or one of its steps. Its children are spans of steps.
pub struct RequestTrace {
    tracer: SdkTracer,
    /// The parent of the spans.
    parent: Context,
    /// The same time on both clocks. Durations are measured on the monotonic clock, and spans have times of the system clock.
    origin: (Instant, SystemTime),
}

impl RequestTrace {
    pub(super) fn new(tracer: &SdkTracer, parent: &SpanContext) -> Self {
        Self {
            tracer: tracer.clone(),
            parent: Context::new().with_remote_span_context(parent.clone()),
            origin: (Instant::now(), SystemTime::now()),
        }
    }

    /// Returns the time on the system clock, at least the start of the parent.
    fn system_time(&self, time: Instant) -> SystemTime {
        let (instant, system) = self.origin;
        system + time.saturating_duration_since(instant)
    }

    fn start(&self, name: &'static str) -> Span {
        let builder = self.tracer.span_builder(name);
        builder.start_with_context(&self.tracer, &self.parent)
    }
}

/// Runs the work of a request. Its steps are recorded in `trace`.
pub async fn scope<T>(trace: Option<Arc<RequestTrace>>, work: impl Future<Output = T>) -> T {
    CURRENT.scope(trace, work).await
}

/// Runs `work` as one step, which has steps of its own.
pub async fn nested<T>(name: &'static str, work: impl Future<Output = T>) -> T {
    let span = current().map(|trace| (trace.start(name), trace));
    let trace = span
        .as_ref()
        .map(|(span, trace)| Arc::new(RequestTrace::new(&trace.tracer, span.span_context())));
    scope(trace, work).await
}

/// Returns the trace of the current request if it is sampled.
pub fn current() -> Option<Arc<RequestTrace>> {
    CURRENT.try_with(Clone::clone).ok().flatten()
}

/// Returns whether the current request is sampled.
pub fn is_recording() -> bool {
    CURRENT.try_with(Option::is_some).unwrap_or(false)
}

/// Starts the span of a step of the current request. The span ends when the guard is dropped.
pub fn step(name: &'static str) -> Step {
    Step(current().map(|trace| trace.start(name)))
}

/// A running step. It is empty if the request is not sampled.
#[must_use = "the step ends when it is dropped"]
pub struct Step(Option<Span>);

impl Step {
    /// Sets a count as an attribute.
    pub fn set_count(&mut self, key: &'static str, count: usize) {
        if let Some(span) = &mut self.0 {
            span.set_attribute(count_attribute(key, count));
        }
    }
}

/// Returns an attribute whose value is a number of things.
pub fn count_attribute(key: &'static str, count: usize) -> KeyValue {
    KeyValue::new(key, i64::try_from(count).unwrap_or(i64::MAX))
}

/// A step of the current request that has ended.
pub struct EndedStep {
    /// Name of the span.
    pub name: &'static str,
    /// Start of the step.
    pub start: Instant,
    /// End of the step.
    pub end: Instant,
    /// Attributes of the span.
    pub attributes: Vec<KeyValue>,
    /// Class of the error, if the step failed.
    pub error_type: Option<&'static str>,
}

/// Records an ended step of the current request. `step` is called only if the request is sampled.
pub fn record(step: impl FnOnce() -> EndedStep) {
    let Some(trace) = current() else { return };
    let EndedStep {
        name,
        start,
        end,
        mut attributes,
        error_type,
    } = step();
    attributes.extend(error_type.map(|class| KeyValue::new("error.type", class)));
    let builder = trace
        .tracer
        .span_builder(name)
        .with_start_time(trace.system_time(start))
        .with_attributes(attributes);
    let mut span = builder.start_with_context(&trace.tracer, &trace.parent);
    if error_type.is_some() {
        span.set_status(trace::Status::error(""));
    }
    span.end_with_timestamp(trace.system_time(end));
}
