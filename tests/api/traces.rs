//! OpenTelemetry traces, received by a collector in the process of the tests.

pub(crate) mod collector;
mod exemplars;
mod export;
mod http;
mod rpc;
mod sampling;

use self::collector::{Collector, ReceivedSpan};
use crate::helpers::TestApp;

/// The trace and the span of a client.
pub(crate) const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLIENT_SPAN: &str = "00f067aa0ba902b7";

/// Returns a header `traceparent` with the trace of a client.
pub(crate) fn traceparent(flags: &str) -> String {
    format!("00-{TRACE_ID}-{CLIENT_SPAN}-{flags}")
}

/// Starts a server that exports its traces over gRPC.
fn spawn(collector: &Collector, flags: &[&str]) -> TestApp {
    let endpoint = collector.endpoint();
    TestApp::spawn_with(&[&[&endpoint, "--otlp-protocol=grpc"], flags].concat())
}

/// Returns the server span, and checks that all other spans are its steps.
fn server_span<'a>(spans: &'a [ReceivedSpan], name: &str) -> &'a ReceivedSpan {
    let server = spans.iter().find(|span| span.name == name);
    let server = server.unwrap_or_else(|| panic!("{name} in {spans:?}"));
    for step in spans.iter().filter(|span| span.name != name) {
        assert_eq!(step.trace_id, server.trace_id, "{step:?}");
        assert_eq!(step.parent, server.id, "{step:?}");
        assert!(step.start >= server.start && step.end <= server.end);
    }
    server
}

/// Returns the names of the steps in the order of their start.
fn steps(spans: &[ReceivedSpan]) -> Vec<&str> {
    let mut steps: Vec<_> = spans.iter().filter(|span| !span.is_server).collect();
    steps.sort_by_key(|span| (span.start, span.end));
    steps.iter().map(|span| span.name.as_str()).collect()
}
