//! The outermost middleware: request identifier, access log, metrics, and a problem body for every error, including panics.

mod access_log;
mod method;
mod request_id;
mod server_span;

use std::{panic::AssertUnwindSafe, rc::Rc};

use actix_web::{
    Error, HttpMessage, ResponseError,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{ConnectionType, StatusCode},
    middleware::Next,
    web,
};
use futures_util::FutureExt;
use tracing::{Instrument, field};

use self::access_log::AccessLogEntry;
pub use self::request_id::RequestId;
use super::{
    connection::{ActiveRequest, Activity},
    connections::Connections,
    error::{ApiError, Code},
    headers::{REQUEST_ID, TRACERESPONSE},
};
use crate::{
    app::AppState,
    intake::memory_limit::Reservation,
    traces::{self, ServerSpan},
};

/// The outermost middleware.
///
/// # Errors
/// Returns an error if a handler panics; actix creates the response from it.
pub async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = RequestId::of(&request);
    let state = app_data::<AppState>(&request);
    let server_span = server_span::start(&request, &state, &id);
    let span = tracing::info_span!(
        "request",
        request_id = id.as_str(),
        trace_id = field::Empty,
        span_id = field::Empty
    );
    if let Some(server_span) = &server_span {
        server_span.identify(&span);
    }
    let trace = server_span.as_ref().and_then(ServerSpan::request);
    let response = respond(request, next, state, id, server_span);
    traces::scope(trace, response).instrument(span).await
}

/// Runs the handler within the span of the request.
async fn respond(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    state: web::Data<AppState>,
    id: RequestId,
    server_span: Option<ServerSpan>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let connections = app_data::<Connections>(&request);
    request.extensions_mut().insert(id.clone());
    let entry = AccessLogEntry::new(&request, &state, &connections, server_span);
    // Requests of unit tests have no connection.
    let activity = request.conn_data::<Rc<Activity>>().cloned();
    let active = activity.map(|activity| activity.start_request(&mut request));
    let result = AssertUnwindSafe(next.call(request)).catch_unwind().await;
    let (response, reservation) = match result {
        Ok(Ok(response)) => {
            let response = response.map_into_boxed_body();
            let (response, reservation, is_replaced) = reserve_memory(response, active.as_ref());
            // A client that does not read has often sent further requests already.
            let close = is_replaced
                || state.draining()
                || active.as_ref().is_some_and(ActiveRequest::is_incomplete);
            // A WebSocket does not get a further response on its connection.
            let close = close && response.status() != StatusCode::SWITCHING_PROTOCOLS;
            let mut response = finalize_response(response, &id, entry.path(), close);
            if let Some(value) = entry.traceresponse() {
                response.headers_mut().insert(TRACERESPONSE, value);
            }
            (response, reservation)
        }
        // The request was moved into the inner service, so the response is created from the error alone.
        Ok(Err(error)) => {
            if let Some(error) = error.as_error::<ApiError>() {
                error.log_internal();
            }
            entry.record(error.as_response_error().status_code());
            return Err(error);
        }
        Err(_) => {
            let error = ApiError::internal("a handler panicked");
            let error = finalize_error(error, &id, entry.path());
            entry.record(error.status_code());
            return Err(error.into());
        }
    };
    entry.record(response.status());
    Ok(response.map_body(|_, body| match active {
        Some(active) => active.track_until_sent(body, reservation),
        None => body,
    }))
}

/// Returns a part of the application that its builder has registered.
fn app_data<T: 'static>(request: &ServiceRequest) -> web::Data<T> {
    request
        .app_data::<web::Data<T>>()
        .expect("the app has its state and its connections")
        .clone()
}

/// Reserves memory for a large response. If the memory is exhausted, an error replaces the response. Returns whether it does.
fn reserve_memory(
    response: ServiceResponse<BoxBody>,
    active: Option<&ActiveRequest>,
) -> (ServiceResponse<BoxBody>, Option<Reservation>, bool) {
    let reserved = active.map(|active| active.reserve_response(response.response()));
    match reserved.transpose() {
        Ok(reservation) => (response, reservation.flatten(), false),
        Err(error) => {
            let request = response.request().clone();
            (ServiceResponse::from_err(error, request), None, true)
        }
    }
}

/// Logs an internal error, and adds the identifier and the body format of the request to any error.
fn finalize_error(error: ApiError, id: &RequestId, path: &str) -> ApiError {
    error.log_internal();
    error.with_request_id(id.as_str()).for_path(path)
}

/// Adds the identifier to a response and to its error body, and announces that the connection closes.
fn finalize_response(
    response: ServiceResponse<BoxBody>,
    id: &RequestId,
    path: &str,
    close: bool,
) -> ServiceResponse<BoxBody> {
    let status = response.status();
    let error = response
        .response()
        .error()
        .and_then(|e| e.as_error::<ApiError>())
        .cloned();
    let has_no_body = error.is_none()
        && matches!(
            response.response().body().size(),
            BodySize::None | BodySize::Sized(0)
        );
    let error = match error {
        None if has_no_body && (status.is_client_error() || status.is_server_error()) => {
            default_problem(status)
        }
        error => error,
    };
    let mut response = match error {
        Some(error) => {
            let error = finalize_error(error, id, path);
            response.into_response(error.error_response())
        }
        None => response,
    };
    response.headers_mut().insert(REQUEST_ID, id.to_header());
    if close {
        let head = response.response_mut().head_mut();
        head.set_connection_type(ConnectionType::Close);
    }
    response
}

/// Creates the problem of an error without a body, which services of other crates return.
fn default_problem(status: StatusCode) -> Option<ApiError> {
    let code = match status {
        StatusCode::NOT_FOUND => Code::NotFound,
        status if status.is_client_error() => Code::InvalidRequest,
        _ => Code::Internal,
    };
    (code.status() == status).then(|| ApiError::new(code, "no route matches this path"))
}

#[cfg(test)]
mod tests;
