//! The span of a request, from its head to its response.

use std::{borrow::Cow, sync::Arc};

use opentelemetry::{
    KeyValue,
    propagation::Extractor,
    trace::{self, Span as _, SpanContext},
};
use opentelemetry_sdk::trace::{SdkTracer, Span};
use tracing::field;

use super::current::RequestTrace;

/// Maximum length of `tracestate` in bytes (W3C Trace Context, section 3.3.1.5). Longer values are ignored.
const MAX_TRACESTATE: usize = 512;

/// Maximum length in bytes of attributes with text of a client.
const MAX_CLIENT_TEXT: usize = 256;

/// The span of a request. It ends when it is dropped.
pub struct ServerSpan {
    span: Span,
    /// `None` if the request is not sampled.
    request: Option<Arc<RequestTrace>>,
}

/// Whether a request failed because of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The request succeeded or was invalid.
    Unset,
    /// The server failed.
    Error,
}

impl ServerSpan {
    pub(super) fn new(span: Span, tracer: &SdkTracer) -> Self {
        let request = span
            .is_recording()
            .then(|| Arc::new(RequestTrace::new(tracer, span.span_context())));
        Self { span, request }
    }

    /// Sets the fields `trace_id` (32 hexadecimal digits) and `span_id` (16 hexadecimal digits) of the log lines in `log`.
    pub fn identify(&self, log: &tracing::Span) {
        let context = self.span.span_context();
        log.record("trace_id", field::display(context.trace_id()));
        log.record("span_id", field::display(context.span_id()));
    }

    /// Returns the value of the response header `traceresponse`, which has the format of `traceparent` (editor's draft of W3C Trace
    /// Context, "Traceresponse Header").
    pub fn traceresponse(&self) -> String {
        let context = self.span.span_context();
        let flags = u8::from(context.is_sampled());
        format!(
            "00-{}-{}-{flags:02x}",
            context.trace_id(),
            context.span_id()
        )
    }

    /// Returns the trace for the steps of the request, or `None` if the request is not sampled.
    pub fn request(&self) -> Option<Arc<RequestTrace>> {
        self.request.clone()
    }

    /// Returns trace and span of the request if it is sampled.
    pub fn sampled(&self) -> Option<&SpanContext> {
        let context = self.span.span_context();
        context.is_sampled().then_some(context)
    }

    /// Sets name and attributes. The arguments are computed only if the request is sampled.
    pub fn describe(
        &mut self,
        name: impl FnOnce() -> Cow<'static, str>,
        attributes: impl FnOnce() -> Vec<KeyValue>,
    ) {
        if self.request.is_some() {
            self.span.update_name(name());
            self.span.set_attributes(attributes());
        }
    }

    /// Ends the span. `attributes` is called only if the request is sampled.
    pub fn finish(mut self, status: Status, attributes: impl FnOnce() -> Vec<KeyValue>) {
        if self.request.is_some() {
            self.span.set_attributes(attributes());
            if status == Status::Error {
                self.span.set_status(trace::Status::error(""));
            }
            self.span.end();
        }
    }

    /// Returns the first 256 bytes of text that a client has sent.
    pub fn client_text(text: &str) -> String {
        text[..text.floor_char_boundary(MAX_CLIENT_TEXT)].to_owned()
    }
}

/// The headers of a request that identify its trace.
pub(super) struct Headers<'a> {
    traceparent: Option<&'a str>,
    tracestate: Option<&'a str>,
}

impl<'a> Headers<'a> {
    pub(super) fn new(traceparent: Option<&'a str>, tracestate: Option<&'a str>) -> Self {
        Self {
            traceparent,
            tracestate: tracestate.filter(|state| state.len() <= MAX_TRACESTATE),
        }
    }
}

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => self.traceparent,
            "tracestate" => self.tracestate,
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_text_is_cut_at_character_boundary() {
        let text = "ü".repeat(200);
        assert_eq!(ServerSpan::client_text(&text), "ü".repeat(128));
        assert_eq!(ServerSpan::client_text(&format!("a{text}")).len(), 255);
        assert_eq!(ServerSpan::client_text("curl/8"), "curl/8");
    }
}
