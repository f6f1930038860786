//! Inference for one request and for a stream of requests.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{Stream, StreamExt};
use tonic::{Request, Status};
use tracing::{Instrument, Span};

use crate::{
    app::AppState,
    auth::Client,
    excerpt::Excerpt,
    grpc::{
        body_limit::{Incoming, Received},
        convert, deadline,
        proto::{
            InferParameter, ModelInferRequest, ModelInferResponse, ModelStreamInferResponse,
            infer_parameter::ParameterChoice,
        },
        request_log::RequestStart,
    },
    oip::{Error, MAX_ID, Service},
    telemetry::millis,
    traces::{self, EndedStep},
};

/// Maximum number of concurrent requests per stream.
const MAX_IN_FLIGHT_PER_STREAM: usize = 16;

/// Response parameter that marks the only response to a request of a stream.
const FINAL_RESPONSE: &str = "triton_final_response";

/// Returns the response to a request.
pub(super) async fn response(
    app: &AppState,
    request: Request<ModelInferRequest>,
) -> Result<ModelInferResponse, Status> {
    let start = request
        .extensions()
        .get()
        .map_or_else(Instant::now, |&RequestStart(time)| time);
    let deadline = start + deadline::timeout(request.metadata(), app.limits.request_timeout);
    let incoming = request.extensions().get().cloned();
    let client = client(&request)?;
    let Received {
        message,
        reservation: _reservation,
    } = received(incoming.as_ref())?;
    traces::record(|| EndedStep {
        name: "read",
        start,
        end: Instant::now(),
        attributes: Vec::new(),
        error_type: None,
    });
    Ok(infer(&app.oip, message, &client, deadline).await?)
}

/// Returns the client that the layer has authorized.
pub(super) fn client<T>(request: &Request<T>) -> Result<Client, Status> {
    let client = request.extensions().get().cloned();
    client.ok_or_else(|| Status::internal("the call is not authorized"))
}

/// Returns the message that was received last.
fn received(incoming: Option<&Incoming>) -> Result<Received, Status> {
    let received = incoming.and_then(Incoming::take);
    received.ok_or_else(|| Status::internal("the request has no message"))
}

/// Returns the responses to the requests of a stream in the order of the requests.
pub(super) fn responses(
    app: Arc<AppState>,
    messages: impl Stream<Item = Result<ModelInferRequest, Status>>,
    incoming: Option<Incoming>,
    client: Client,
) -> impl Stream<Item = Result<ModelStreamInferResponse, Status>> {
    let (span, trace) = (Span::current(), traces::current());
    let responses = messages.map(move |message| {
        // tonic has an empty message in place of each one.
        let received = message.and_then(|_| received(incoming.as_ref()));
        let (service, timeout) = (Arc::clone(&app.oip), app.limits.request_timeout);
        let client = client.clone();
        let response = async move {
            let Received {
                message,
                reservation: _reservation,
            } = received?;
            let response = stream_response(&service, message, &client, timeout);
            Ok(traces::nested("message", response).await)
        };
        traces::scope(trace.clone(), response).instrument(span.clone())
    });
    responses.buffered(MAX_IN_FLIGHT_PER_STREAM)
}

/// Processes one request of a stream. An error of the request does not end the stream.
async fn stream_response(
    service: &Service,
    message: ModelInferRequest,
    client: &Client,
    timeout: Duration,
) -> ModelStreamInferResponse {
    let start = Instant::now();
    // A longer identifier is an error, and the error must not repeat it.
    let id = Some(&message.id).filter(|id| id.len() <= MAX_ID);
    let id = id.cloned().unwrap_or_default();
    let result = infer(service, message, client, start + timeout).await;
    let (error, ms) = (
        result.as_ref().err().map(ToString::to_string),
        millis(start.elapsed()),
    );
    tracing::info!(id = %Excerpt(&id), error, ms, "stream response");
    let (mut response, error_message) = match result {
        Ok(response) => (response, String::new()),
        Err(error) => (
            ModelInferResponse {
                id,
                ..Default::default()
            },
            error.to_string(),
        ),
    };
    let is_final = InferParameter {
        parameter_choice: Some(ParameterChoice::BoolParam(true)),
    };
    response
        .parameters
        .insert(FINAL_RESPONSE.to_owned(), is_final);
    ModelStreamInferResponse {
        error_message,
        infer_response: Some(response),
    }
}

async fn infer(
    service: &Service,
    message: ModelInferRequest,
    client: &Client,
    deadline: Instant,
) -> Result<ModelInferResponse, Error> {
    let model = service.model(&message.model_name, Some(&message.model_version))?;
    let request = convert::request(message)?;
    Ok(service
        .infer(&model, request, client, deadline)
        .await?
        .into())
}
