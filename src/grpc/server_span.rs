//! The server span of a call (OpenTelemetry semantic conventions, "gRPC").

use opentelemetry::KeyValue;
use tonic::{
    Code,
    codegen::http::{HeaderMap, header::USER_AGENT},
};

use super::calls::{self, Call};
use crate::traces::{ServerSpan, Status, Traces};

/// Starts the span. Probes have none.
pub(super) fn start(
    traces: Option<&Traces>,
    headers: &HeaderMap,
    call: Call,
    request_id: &str,
) -> Option<ServerSpan> {
    let traces = traces?;
    if call.is_logged_at_debug {
        return None;
    }
    let header = |name| headers.get(name)?.to_str().ok();
    let mut span = traces.server_span(header("traceparent"), header("tracestate"));
    let method = if call.path == calls::OTHER.path {
        "_OTHER"
    } else {
        call.path
    };
    span.describe(
        || method.into(),
        || {
            let mut attributes = vec![
                KeyValue::new("rpc.system.name", "grpc"),
                KeyValue::new("rpc.method", method),
                KeyValue::new("mien.request.id", request_id.to_owned()),
            ];
            let agent = header(USER_AGENT.as_str()).map(ServerSpan::client_text);
            attributes.extend(agent.map(|agent| KeyValue::new("user_agent.original", agent)));
            attributes
        },
    );
    Some(span)
}

/// Ends the span with the code of the response; `name` is that of the code in lower case.
pub(super) fn finish(span: ServerSpan, code: Code, name: &'static str) {
    let outcome = if is_server_error(code) {
        Status::Error
    } else {
        Status::Unset
    };
    span.finish(outcome, || {
        let name = name.to_ascii_uppercase();
        let mut attributes = vec![KeyValue::new("rpc.response.status_code", name.clone())];
        if outcome == Status::Error {
            attributes.push(KeyValue::new("error.type", name));
        }
        attributes
    });
}

/// Returns whether the server is the cause of a code.
fn is_server_error(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}
