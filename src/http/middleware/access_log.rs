//! The access log entry of a request and its count in the metrics.

use std::time::Instant;

use actix_web::{
    dev::ServiceRequest,
    http::{Method, StatusCode},
    web,
};
use tracing::Span;

use crate::{
    app::AppState,
    http::{connections::Connections, is_logged_at_debug},
    telemetry::millis,
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
    is_recorded: bool,
}

impl AccessLogEntry {
    /// Creates the entry of a request whose head was received, in the current span.
    pub(super) fn new(
        request: &ServiceRequest,
        state: &web::Data<AppState>,
        connections: &web::Data<Connections>,
    ) -> Self {
        Self {
            method: request.method().clone(),
            path: request.path().to_owned(),
            route: request.match_pattern(),
            start: Instant::now(),
            state: state.clone(),
            connections: connections.clone(),
            span: Span::current(),
            is_recorded: false,
        }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Records the response.
    pub(super) fn record(mut self, status: StatusCode) {
        self.is_recorded = true;
        self.write(status.as_u16(), "request finished");
    }

    fn write(&self, status: u16, message: &str) {
        let duration = self.start.elapsed();
        let route = self.route.as_deref().unwrap_or("unmatched");
        self.state
            .metrics
            .record_http_request(method_label(&self.method), route, status, duration);
        let (method, path) = (self.method.as_str(), self.path.as_str());
        let ms = millis(duration);
        let _in_span = self.span.enter();
        if is_logged_at_debug(route) {
            tracing::debug!(method, path, status, ms, "{message}");
        } else {
            tracing::info!(method, path, status, ms, "{message}");
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

/// Returns the method label of the metrics, which is one of a closed set.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
