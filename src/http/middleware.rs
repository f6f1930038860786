//! The outermost middleware: request identifier, access log, metrics, and a problem body for every error, including panics.

use std::panic::AssertUnwindSafe;

use actix_web::{
    Error, HttpMessage, ResponseError,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode, Version,
        header::{HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use futures_util::FutureExt;
use tracing::Instrument;

use super::{
    State,
    access_log::AccessLogEntry,
    disconnect,
    error::{ApiError, Code},
};
use crate::telemetry::{is_request_id, new_request_id};

/// Header of the request identifier in requests and responses.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Identifier of a request: the client's own if it is valid (1 to 128 visible ASCII characters), otherwise a new UUID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    fn of(request: &ServiceRequest) -> Self {
        let usable = |value: &&HeaderValue| is_request_id(value.as_bytes());
        let own = request.headers().get(&REQUEST_ID).filter(usable).cloned();
        Self(own.unwrap_or_else(|| {
            HeaderValue::from_str(&new_request_id()).expect("a UUID is visible ASCII")
        }))
    }

    /// Returns the identifier as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().expect("identifiers are visible ASCII")
    }
}

/// The outermost middleware.
///
/// # Errors
/// Returns an error if a handler panics; actix creates the response from it.
pub async fn observe(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let state = request
        .app_data::<web::Data<State>>()
        .expect("the app has its state")
        .clone();
    let id = RequestId::of(&request);
    request.extensions_mut().insert(id.clone());
    let span = tracing::info_span!("request", request_id = id.as_str());
    let seen = AccessLogEntry::new(&request, &state, &span);
    let in_flight = state.in_flight.enter();
    if let Some(error) = reject_reason(&state, request.version()) {
        let error = error.with_request_id(id.as_str()).for_path(seen.path());
        seen.record(error.status_code());
        return Ok(request.into_response(error.error_response()));
    }
    let disconnected = disconnect::client_disconnected(&mut request);
    let call = AssertUnwindSafe(next.call(request))
        .catch_unwind()
        .instrument(span);
    let result = tokio::select! {
        result = call => result,
        // The client does not receive this response; the access log records it as a disconnect.
        () = disconnected => return Err(ApiError::internal("the client hung up").into()),
    };

    let response = match result {
        Ok(Ok(response)) => finalize_response(
            response.map_into_boxed_body(),
            &id,
            seen.path(),
            state.draining(),
        ),
        // The request was moved into the inner service, so the response is created from the error alone.
        Ok(Err(error)) => {
            seen.record(error.as_response_error().status_code());
            return Err(error);
        }
        Err(_) => {
            let error = ApiError::internal("a handler panicked")
                .with_request_id(id.as_str())
                .for_path(seen.path());
            seen.record(error.status_code());
            return Err(error.into());
        }
    };
    seen.record(response.status());
    Ok(response.map_body(|_, body| in_flight.track_until_sent(body)))
}

/// Returns why an HTTP/2 request is rejected. Its connection stays open during shutdown, and it does not bound the number of
/// requests.
fn reject_reason(state: &State, version: Version) -> Option<ApiError> {
    if version != Version::HTTP_2 {
        return None;
    }
    if state.in_flight.closed() {
        return Some(ApiError::shutting_down("the server is shutting down"));
    }
    let reason = "too many pending requests (--max-connections)";
    state
        .in_flight
        .too_many()
        .then(|| ApiError::overloaded(reason))
}

/// Adds the identifier to a response and to its error body.
fn finalize_response(
    response: ServiceResponse<BoxBody>,
    id: &RequestId,
    path: &str,
    draining: bool,
) -> ServiceResponse<BoxBody> {
    let status = response.status();
    let error = response
        .response()
        .error()
        .and_then(|e| e.as_error::<ApiError>())
        .cloned();
    let bare = error.is_none()
        && matches!(
            response.response().body().size(),
            BodySize::None | BodySize::Sized(0)
        );
    let error = match error {
        None if bare && (status.is_client_error() || status.is_server_error()) => {
            default_problem(status)
        }
        error => error,
    };
    let mut response = match error {
        Some(error) => {
            let error = error.with_request_id(id.as_str()).for_path(path);
            response.into_response(error.error_response())
        }
        None => response,
    };
    response.headers_mut().insert(REQUEST_ID, id.0.clone());
    if draining {
        response
            .response_mut()
            .head_mut()
            .set_connection_type(actix_web::http::ConnectionType::Close);
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
mod tests {
    use std::sync::Arc;

    use actix_web::{App, HttpResponse, middleware::from_fn, test};
    use clap::Parser;

    use super::*;
    use crate::{
        auth::AdminAuth,
        cli::{Cli, Command},
        evaluation::{Datasets, Evaluations},
        http,
        metrics::Metrics,
        models::registry::Registry,
        store::Store,
    };

    fn state() -> web::Data<State> {
        let Command::Serve(settings) = Cli::parse_from(["mien", "serve"]).command else {
            unreachable!("`serve` was parsed");
        };
        let registry = Registry::empty();
        let metrics = Arc::new(Metrics::new());
        let (datasets, store) = (Arc::new(Datasets::default()), Store::memory().unwrap());
        let keep = settings.state.evaluation_retention;
        let evaluations =
            Evaluations::open(Arc::clone(&datasets), Arc::clone(&metrics), store, keep).unwrap();
        web::Data::new(State::new(
            Arc::new(registry),
            metrics,
            datasets,
            evaluations.into(),
            AdminAuth::new(None, settings.addr),
            settings.limits,
            http::InFlight::at_most(8),
        ))
    }

    #[actix_web::test]
    async fn panic_returns_500_with_request_id() {
        async fn panics() -> HttpResponse {
            panic!("boom")
        }
        let state = state();
        let app = App::new()
            .app_data(state.clone())
            .route("/panics", web::get().to(panics))
            .wrap(from_fn(observe));
        let app = test::init_service(app).await;
        let request = test::TestRequest::get()
            .uri("/panics")
            .insert_header(("x-request-id", "mine"));
        let error = test::try_call_service(&app, request.to_request())
            .await
            .unwrap_err();
        let response = error.error_response();
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers().get("x-request-id").unwrap(), "mine");
        let text = String::from_utf8(state.metrics.render().unwrap()).unwrap();
        assert!(
            text.contains(r#"{method="GET",route="/panics",status="500"} 1"#),
            "{text}"
        );
    }

    #[actix_web::test]
    async fn server_without_model_is_live_not_ready() {
        let app = App::new()
            .app_data(state())
            .configure(http::configure)
            .wrap(from_fn(observe));
        let app = test::init_service(app).await;
        for (path, status) in [("/health/live", 200), ("/health/ready", 503)] {
            let request = test::TestRequest::get().uri(path).to_request();
            assert_eq!(
                test::call_service(&app, request).await.status(),
                status,
                "{path}"
            );
        }
    }
}
