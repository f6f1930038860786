//! OpenTelemetry traces. Each sampled request has a server span, whose children are the steps of the request.
//!
//! ```text
//! http, grpc -> Traces::server_span -> ServerSpan (sampling, identifiers for the log)
//!                 scope: the RequestTrace of the task
//!                   step, record: child spans, only if the request is sampled
//!                     -> SpanQueue (bounded, counts dropped spans) -> batch thread -> OTLP exporter
//! ```
//!
//! The current trace is a Tokio task-local, so that functions between the transport and a step do not have a parameter for
//! it. Work on other tasks and threads does not inherit the trace.

mod current;
mod exporter;
mod options;
mod queue;
mod server_span;

use std::time::Duration;

use opentelemetry::{
    Context, InstrumentationScope, KeyValue,
    propagation::TextMapPropagator,
    trace::{SpanKind, Tracer, TracerProvider},
};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider},
};
use uuid::Uuid;

pub use self::{
    current::{
        EndedStep, RequestTrace, Step, count_attribute, current, is_recording, nested, record,
        scope, step,
    },
    exporter::TraceError,
    options::{Protocol, Sampler, TraceOptions},
    server_span::{ServerSpan, Status},
};
use self::{
    exporter::CountingExporter,
    queue::{LimitedProcessor, MAX_QUEUED_SPANS, SpanQueue},
    server_span::Headers,
};
use crate::metrics::SpanMetrics;

/// Maximum time that the end of the process waits for the collector.
const MAX_SHUTDOWN: Duration = Duration::from_secs(2);

/// Creates the spans of requests and exports them in batches, on a thread of its own.
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    propagator: TraceContextPropagator,
    scheme: &'static str,
}

impl Traces {
    /// Starts the export. `scheme` is that of the HTTP server, `http` or `https`. The connection to the collector is opened by the first
    /// export.
    ///
    /// # Errors
    /// Returns an error if the endpoint or a variable of the exporter is invalid.
    ///
    /// # Panics
    /// Panics outside of a Tokio runtime if the protocol is gRPC.
    pub fn start(
        options: &TraceOptions,
        scheme: &'static str,
        metrics: SpanMetrics,
    ) -> Result<Self, TraceError> {
        let queue = SpanQueue::new(metrics);
        let exporter = CountingExporter::new(exporter::build(options)?, queue.clone());
        let batches = BatchConfigBuilder::default().with_max_queue_size(MAX_QUEUED_SPANS);
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches.build());
        let provider = SdkTracerProvider::builder()
            .with_span_processor(LimitedProcessor::new(processor.build(), queue))
            .with_sampler(options.sampler.build())
            .with_resource(resource())
            .build();
        let scope = InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
            .with_version(env!("CARGO_PKG_VERSION"));
        Ok(Self {
            tracer: provider.tracer_with_scope(scope.build()),
            provider,
            propagator: TraceContextPropagator::new(),
            scheme,
        })
    }

    /// Starts the server span of a request. It continues the trace of `traceparent` and `tracestate` (W3C Trace Context, section 3). Invalid
    /// headers are ignored.
    pub fn server_span(&self, traceparent: Option<&str>, tracestate: Option<&str>) -> ServerSpan {
        let headers = Headers::new(traceparent, tracestate);
        let parent = self
            .propagator
            .extract_with_context(&Context::new(), &headers);
        let span = self
            .tracer
            .span_builder("request")
            .with_kind(SpanKind::Server)
            .start_with_context(&self.tracer, &parent);
        ServerSpan::new(span, &self.tracer)
    }

    /// Returns the scheme of the HTTP server.
    pub fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// Exports the queued spans. Blocks until the collector has them, at most two seconds.
    pub fn shut_down(&self) {
        if let Err(error) = self.provider.shutdown_with_timeout(MAX_SHUTDOWN) {
            tracing::warn!(%error, "the last spans were not exported");
        }
    }
}

/// Returns the attributes of this process. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` have priority over the defaults.
fn resource() -> Resource {
    let defaults = Resource::builder_empty()
        .with_service_name(env!("CARGO_PKG_NAME"))
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", Uuid::new_v4().to_string()),
        ]);
    let detected = Resource::builder().build();
    // The SDK derives a name from that of the program if the variables have none.
    let is_set = |(key, value): &(&opentelemetry::Key, &opentelemetry::Value)| {
        key.as_str() != "service.name" || !value.as_str().starts_with("unknown_service")
    };
    let set = detected.iter().filter(is_set);
    defaults
        .with_attributes(set.map(|(key, value)| KeyValue::new(key.clone(), value.clone())))
        .build()
}
