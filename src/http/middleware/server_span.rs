//! The server span of a request (OpenTelemetry semantic conventions, "HTTP server").

use actix_web::{
    dev::ServiceRequest,
    http::{Version, header::USER_AGENT},
};
use opentelemetry::KeyValue;

use super::{RequestId, method::method_label};
use crate::{
    app::AppState,
    http::{
        headers::{TRACEPARENT, TRACESTATE},
        is_logged_at_debug,
    },
    traces::{ServerSpan, Status, Traces},
};

/// Starts the span. Probes and scrapes have none.
pub(super) fn start(
    request: &ServiceRequest,
    state: &AppState,
    id: &RequestId,
) -> Option<ServerSpan> {
    let traces = state.traces.as_ref()?;
    let route = request.match_pattern();
    if route.as_deref().is_some_and(is_logged_at_debug) {
        return None;
    }
    let header = |name| request.headers().get(name)?.to_str().ok();
    let mut span = traces.server_span(header(&TRACEPARENT), header(&TRACESTATE));
    let method = match method_label(request.method()) {
        "other" => "HTTP",
        method => method,
    };
    span.describe(
        || match &route {
            Some(route) => format!("{method} {route}").into(),
            None => method.into(),
        },
        || attributes(request, route.clone(), id, traces),
    );
    Some(span)
}

fn attributes(
    request: &ServiceRequest,
    route: Option<String>,
    id: &RequestId,
    traces: &Traces,
) -> Vec<KeyValue> {
    let method = match method_label(request.method()) {
        "other" => "_OTHER",
        method => method,
    };
    let mut attributes = vec![
        KeyValue::new("http.request.method", method),
        KeyValue::new("url.path", ServerSpan::client_text(request.path())),
        KeyValue::new("url.scheme", traces.scheme()),
        KeyValue::new("network.protocol.version", version(request.version())),
        KeyValue::new("mien.request.id", id.as_str().to_owned()),
    ];
    attributes.extend(route.map(|route| KeyValue::new("http.route", route)));
    let agent = request.headers().get(USER_AGENT);
    if let Some(agent) = agent.and_then(|agent| agent.to_str().ok()) {
        let agent = ServerSpan::client_text(agent);
        attributes.push(KeyValue::new("user_agent.original", agent));
    }
    attributes
}

/// Ends the span with the status of the response, or that of the access log if the client disconnected.
pub(super) fn finish(span: ServerSpan, status: u16) {
    let outcome = if status >= 500 {
        Status::Error
    } else {
        Status::Unset
    };
    span.finish(outcome, || {
        let mut attributes = vec![KeyValue::new(
            "http.response.status_code",
            i64::from(status),
        )];
        if outcome == Status::Error {
            attributes.push(KeyValue::new("error.type", status.to_string()));
        }
        attributes
    });
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    }
}
