//! The metrics of the transports: HTTP responses and gRPC calls.

use std::time::Duration;

use opentelemetry::trace::SpanContext;
use prometheus::{IntCounterVec, Registry, proto::LabelPair};

use super::{
    Metrics,
    exemplars::{Exemplar, TracedHistogram},
    register::{counter, histogram},
};

/// Classes of HTTP statuses; 499 is the status of clients that disconnected.
const STATUS_CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

/// Name of the histogram of HTTP requests.
const HTTP_DURATION: &str = "mien_http_request_duration_seconds";
/// Name of the histogram of gRPC calls.
const GRPC_DURATION: &str = "mien_grpc_request_duration_seconds";

/// Buckets of request durations in seconds.
const REQUEST_SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
/// The responses of the transports.
pub(super) struct TransportFamilies {
    http_requests: IntCounterVec,
    http_duration: TracedHistogram,
    grpc_requests: IntCounterVec,
    grpc_duration: TracedHistogram,
}

impl TransportFamilies {
    /// Creates and registers the families.
    pub(super) fn register(r: &Registry) -> Self {
        Self {
            http_requests: counter(
                r,
                "mien_http_requests_total",
                "HTTP responses by route pattern and status.",
                &["method", "route", "status"],
            ),
            http_duration: request_seconds(
                r,
                HTTP_DURATION,
                "Time from the head of a request to its response.",
                ["route", "status_class"],
            ),
            grpc_requests: counter(
                r,
                "mien_grpc_requests_total",
                "gRPC responses by call and status code.",
                &["method", "code"],
            ),
            grpc_duration: request_seconds(
                r,
                GRPC_DURATION,
                "Time from the head of a gRPC request to the head of its response.",
                ["method", "code"],
            ),
        }
    }

    /// Returns the exemplar of each bucket of a series; an empty list if the family does not have exemplars.
    pub(super) fn exemplars(&self, family: &str, labels: &[LabelPair]) -> Vec<Option<Exemplar>> {
        let histogram = match family {
            HTTP_DURATION => &self.http_duration,
            GRPC_DURATION => &self.grpc_duration,
            _ => return Vec::new(),
        };
        histogram.exemplars(labels)
    }
}

fn request_seconds(
    r: &Registry,
    name: &str,
    help: &str,
    labels: [&'static str; 2],
) -> TracedHistogram {
    let seconds = histogram(r, name, help, &labels, REQUEST_SECONDS);
    TracedHistogram::new(seconds, labels, REQUEST_SECONDS)
}

impl Metrics {
    /// Creates the series of a route with the value 0; `status` is that of its success.
    pub fn init_route(&self, method: &str, route: &str, status: u16) {
        self.transport
            .http_requests
            .with_label_values(&[method, route, &status.to_string()]);
        for class in STATUS_CLASSES {
            // Few routes redirect, so the series of 3xx are created by the first response.
            if class != "3xx" {
                self.transport.http_duration.init([route, class]);
            }
        }
    }

    /// Counts a response. `method` and `route` must come from closed sets. `sampled` is the span of the request if it is sampled.
    pub fn record_http_request(
        &self,
        method: &str,
        route: &str,
        status: u16,
        took: Duration,
        sampled: Option<&SpanContext>,
    ) {
        self.transport
            .http_requests
            .with_label_values(&[method, route, &status.to_string()])
            .inc();
        let series = [route, status_class(status)];
        self.transport.http_duration.observe(series, took, sampled);
    }

    /// Creates the series of a gRPC call with the value 0; `code` is that of its success.
    pub fn init_grpc(&self, method: &str, code: &str) {
        let of = [method, code];
        self.transport.grpc_requests.with_label_values(&of);
        self.transport.grpc_duration.init(of);
    }

    /// Counts a gRPC response. `method` and `code` must come from closed sets. `sampled` is the span of the call if it is sampled.
    pub fn record_grpc_request(
        &self,
        method: &str,
        code: &str,
        took: Duration,
        sampled: Option<&SpanContext>,
    ) {
        let of = [method, code];
        self.transport.grpc_requests.with_label_values(&of).inc();
        self.transport.grpc_duration.observe(of, took, sampled);
    }
}

/// Returns the class of an HTTP status.
fn status_class(status: u16) -> &'static str {
    let [success, redirection, client_error, server_error] = STATUS_CLASSES;
    match status {
        ..300 => success,
        300..400 => redirection,
        400..500 => client_error,
        500.. => server_error,
    }
}
