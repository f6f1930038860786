//! The outermost layer: call identifier, access log, metrics, and a status for panics.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::sync::watch;
use tonic::{
    Code, Status,
    body::Body,
    codegen::{
        Service,
        http::{HeaderMap, HeaderValue, Request, Response},
    },
};
use tower_layer::Layer;
use tracing::{Instrument, Span, field};

use super::{
    calls::{self, Call},
    server_span,
};
use crate::{
    app::AppState,
    metrics::Metrics,
    telemetry::{is_request_id, millis, new_request_id},
    traces::{self, ServerSpan, Traces},
};

/// Metadata key of the call identifier in requests and responses.
const REQUEST_ID: &str = "x-request-id";

/// Metadata key of the server span in responses.
const TRACERESPONSE: &str = "traceresponse";

/// Arrival of the head of a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestStart(pub(super) Instant);

/// Creates the metrics of every call with the value 0.
pub fn init_metrics(metrics: &Metrics) {
    calls::all().for_each(|call| metrics.init_grpc(call.path, name(Code::Ok)));
}

/// The layer around all services.
#[derive(Clone)]
pub(super) struct RequestLogLayer {
    metrics: Arc<Metrics>,
    traces: Option<Arc<Traces>>,
    stopped: watch::Receiver<bool>,
}

impl RequestLogLayer {
    /// Creates the layer. `stopped` becomes true when the server ends.
    pub(super) fn new(app: &AppState, stopped: watch::Receiver<bool>) -> Self {
        Self {
            metrics: Arc::clone(&app.metrics),
            traces: app.traces.clone(),
            stopped,
        }
    }
}

impl<S> Layer<S> for RequestLogLayer {
    type Service = RequestLogService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequestLogService {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service inside the layer.
#[derive(Clone)]
pub(super) struct RequestLogService<S> {
    inner: S,
    layer: RequestLogLayer,
}

impl<S> Service<Request<Body>> for RequestLogService<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let start = Instant::now();
        request.extensions_mut().insert(RequestStart(start));
        let id = request_id(request.headers());
        let call = calls::find(request.uri().path());
        let request_id = id.to_str().unwrap_or_default();
        let RequestLogLayer {
            metrics,
            traces,
            stopped,
        } = self.layer.clone();
        let server_span =
            server_span::start(traces.as_deref(), request.headers(), call, request_id);
        let span = log_span(request_id, server_span.as_ref());
        let trace = server_span.as_ref().and_then(ServerSpan::request);
        let entry = CallLogEntry {
            call,
            start,
            metrics,
            span: span.clone(),
            server_span,
            stopped,
            is_recorded: false,
        };
        let response = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        let response = traces::scope(trace, response).instrument(span);
        async move {
            let mut response = response.await.unwrap_or_else(|_| {
                Ok(
                    Status::internal("the server failed to process this request; see its log")
                        .into_http(),
                )
            })?;
            // Errors are in the head; a started stream counts as successful.
            let code = Status::from_header_map(response.headers()).map_or(Code::Ok, |s| s.code());
            response.headers_mut().insert(REQUEST_ID, id);
            if let Some(value) = entry.traceresponse() {
                response.headers_mut().insert(TRACERESPONSE, value);
            }
            entry.record(code);
            Ok(response)
        }
        .boxed()
    }
}

/// Returns the span of the log lines of a call.
fn log_span(request_id: &str, server_span: Option<&ServerSpan>) -> Span {
    let span = tracing::info_span!(
        "call",
        request_id,
        trace_id = field::Empty,
        span_id = field::Empty
    );
    if let Some(server_span) = server_span {
        server_span.identify(&span);
    }
    span
}

/// The log entry of a call. It is written once, also if the client disconnects before the response.
struct CallLogEntry {
    call: Call,
    start: Instant,
    metrics: Arc<Metrics>,
    span: Span,
    /// The span of the call in its trace.
    server_span: Option<ServerSpan>,
    /// Whether the server is stopping.
    stopped: watch::Receiver<bool>,
    is_recorded: bool,
}

impl CallLogEntry {
    fn traceresponse(&self) -> Option<HeaderValue> {
        let value = self.server_span.as_ref()?.traceresponse();
        Some(HeaderValue::try_from(value).expect("the value is visible ASCII"))
    }

    fn record(mut self, code: Code) {
        self.is_recorded = true;
        self.write(code, "request finished");
    }

    fn write(&mut self, status: Code, message: &str) {
        let code = name(status);
        let (call, duration) = (self.call.path, self.start.elapsed());
        let sampled = self.server_span.as_ref().and_then(ServerSpan::sampled);
        self.metrics
            .record_grpc_request(call, code, duration, sampled);
        let ms = millis(duration);
        let _in_span = self.span.enter();
        if self.call.is_logged_at_debug {
            tracing::debug!(call, code, ms, "{message}");
        } else {
            tracing::info!(call, code, ms, "{message}");
        }
        if let Some(span) = self.server_span.take() {
            server_span::finish(span, status, code);
        }
    }
}

impl Drop for CallLogEntry {
    fn drop(&mut self) {
        if self.is_recorded {
            return;
        }
        if *self.stopped.borrow() {
            self.write(Code::Unavailable, "request aborted by the shutdown");
        } else {
            self.write(Code::Cancelled, "client disconnected");
        }
    }
}

/// Returns the client's own identifier if it is valid (1 to 128 visible ASCII characters), otherwise a new UUID.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let is_valid = |value: &&HeaderValue| is_request_id(value.as_bytes());
    headers
        .get(REQUEST_ID)
        .filter(is_valid)
        .cloned()
        .unwrap_or_else(|| {
            HeaderValue::from_str(&new_request_id()).expect("a UUID is visible ASCII")
        })
}

/// Returns the name of a code in metrics and log.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::Cancelled => "cancelled",
        Code::Unknown => "unknown",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
    }
}
