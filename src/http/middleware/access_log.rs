//! The access log entry of a request and its count in the metrics.

use std::time::Instant;

use actix_web::{
    dev::ServiceRequest,
    http::{Method, StatusCode, header::HeaderValue},
    web,
};
use tracing::Span;

use super::{method::method_label, server_span};
use crate::{
    app::AppState,
    http::{connections::Connections, is_logged_at_debug},
    telemetry::millis,
    traces::ServerSpan,
};

/// Status of requests whose client disconnected before the response, in log and metrics only.
const CLIENT_DISCONNECTED: u16 = 499;

/// The log entry of a request. It is written once, also if the client disconnects before the response.
pub(super) struct AccessLogEntry {
    method: Method,
    path: String,
    route: Option<String>,
    start: Instant,
    state: web::Data<AppState>,
    connections: web::Data<Connections>,
    span: Span,
    /// The span of the request in its trace.
    server_span: Option<ServerSpan>,
    is_recorded: bool,
}

impl AccessLogEntry {
    /// Creates the entry of a request whose head was received, in the current span.
    pub(super) fn new(
        request: &ServiceRequest,
        state: &web::Data<AppState>,
        connections: &web::Data<Connections>,
        server_span: Option<ServerSpan>,
    ) -> Self {
        Self {
            method: request.method().clone(),
            path: request.path().to_owned(),
            route: request.match_pattern(),
            start: Instant::now(),
            state: state.clone(),
            connections: connections.clone(),
            span: Span::current(),
            server_span,
            is_recorded: false,
        }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Returns the response header that identifies the server span.
    pub(super) fn traceresponse(&self) -> Option<HeaderValue> {
        let value = self.server_span.as_ref()?.traceresponse();
        Some(HeaderValue::try_from(value).expect("the value is visible ASCII"))
    }

    /// Records the response.
    pub(super) fn record(mut self, status: StatusCode) {
        self.is_recorded = true;
        self.write(status.as_u16(), "request finished");
    }

    fn write(&mut self, status: u16, message: &str) {
        let duration = self.start.elapsed();
        let route = self.route.as_deref().unwrap_or("unmatched");
        self.state.metrics.record_http_request(
            method_label(&self.method),
            route,
            status,
            duration,
            self.server_span.as_ref().and_then(ServerSpan::sampled),
        );
        let (method, path) = (self.method.as_str(), self.path.as_str());
        let ms = millis(duration);
        let _in_span = self.span.enter();
        if is_logged_at_debug(route) {
            tracing::debug!(method, path, status, ms, "{message}");
        } else {
            tracing::info!(method, path, status, ms, "{message}");
        }
        if let Some(span) = self.server_span.take() {
            server_span::finish(span, status);
        }
    }
}

impl Drop for AccessLogEntry {
    fn drop(&mut self) {
        if self.is_recorded {
            return;
        }
        if self.connections.is_closing() {
            self.write(
                StatusCode::SERVICE_UNAVAILABLE.as_u16(),
                "request aborted by the shutdown",
            );
        } else {
            self.write(CLIENT_DISCONNECTED, "client disconnected");
        }
    }
}
