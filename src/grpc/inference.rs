//! The calls of the inference service.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use prost::Message;
use tokio::sync::watch;
use tonic::{Request, Response, Status, Streaming, codegen::BoxStream, metadata::MetadataMap};
use tracing::{Instrument, Span};

use super::{
    body_limit::{Incoming, body_memory_exhausted},
    convert, deadline,
    proto::{
        InferParameter, ModelConfigRequest, ModelConfigResponse, ModelInferRequest,
        ModelInferResponse, ModelMetadataRequest, ModelMetadataResponse, ModelReadyRequest,
        ModelReadyResponse, ModelStatisticsRequest, ModelStatisticsResponse,
        ModelStreamInferResponse, RepositoryIndexRequest, RepositoryIndexResponse,
        RepositoryModelLoadRequest, RepositoryModelLoadResponse, RepositoryModelUnloadRequest,
        RepositoryModelUnloadResponse, ServerLiveRequest, ServerLiveResponse,
        ServerMetadataRequest, ServerMetadataResponse, ServerReadyRequest, ServerReadyResponse,
        grpc_inference_service_server::GrpcInferenceService, infer_parameter::ParameterChoice,
    },
    request_log::RequestStart,
    shutdown::wait_for_shutdown,
};
use crate::{
    app::{AppState, readiness::ServerStatus},
    auth::{AdminAuth, AuthError},
    intake::memory_limit::{BodyMemoryLimit, Reservation},
    oip::{Error, Service},
    telemetry::millis,
};

/// Maximum number of concurrent requests per stream.
const MAX_IN_FLIGHT_PER_STREAM: usize = 16;

/// Response parameter that marks the only response to a request of a stream.
const FINAL_RESPONSE: &str = "triton_final_response";

/// The inference service.
pub(super) struct Inference {
    pub(super) app: Arc<AppState>,
    /// Authorization of admin requests.
    pub(super) auth: AdminAuth,
    /// Becomes true when the server stops.
    pub(super) stopped: watch::Receiver<bool>,
}

impl Inference {
    /// Checks that a call is authorized as an admin request.
    fn authorize(&self, call: &MetadataMap) -> Result<(), AuthError> {
        self.auth
            .authorize(call.get("authorization").map(|value| value.as_bytes()))
    }
}

/// Reserves the memory of a message until its response, and releases the memory that was reserved while the message was received.
fn reserve_memory(
    message: &ModelInferRequest,
    incoming: Option<&Incoming>,
    bodies: &BodyMemoryLimit,
) -> Result<Reservation, Status> {
    if let Some(Incoming(reservation)) = incoming {
        reservation.release();
    }
    let reservation = bodies.reservation();
    let bytes = message.encoded_len() + convert::size_of_numbers(message);
    if reservation.reserve(bytes) {
        Ok(reservation)
    } else {
        Err(body_memory_exhausted())
    }
}

async fn infer(
    service: &Service,
    message: ModelInferRequest,
    deadline: Instant,
) -> Result<ModelInferResponse, Error> {
    let model = service.model(&message.model_name, Some(&message.model_version))?;
    let request = convert::request(message)?;
    Ok(service.infer(&model, request, deadline).await?.into())
}

/// Processes one request of a stream. An error of the request does not end the stream.
async fn infer_one(
    service: Arc<Service>,
    message: ModelInferRequest,
    timeout: Duration,
) -> Result<ModelStreamInferResponse, Status> {
    let (id, start) = (message.id.clone(), Instant::now());
    let result = infer(&service, message, start + timeout).await;
    let (error, ms) = (
        result.as_ref().err().map(ToString::to_string),
        millis(start.elapsed()),
    );
    tracing::info!(id, error, ms, "stream response");
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
    Ok(ModelStreamInferResponse {
        error_message,
        infer_response: Some(response),
    })
}

#[tonic::async_trait]
impl GrpcInferenceService for Inference {
    async fn server_live(
        &self,
        _: Request<ServerLiveRequest>,
    ) -> Result<Response<ServerLiveResponse>, Status> {
        Ok(Response::new(ServerLiveResponse { live: true }))
    }

    async fn server_ready(
        &self,
        _: Request<ServerReadyRequest>,
    ) -> Result<Response<ServerReadyResponse>, Status> {
        let ready = self.app.readiness.status() == ServerStatus::Ready;
        Ok(Response::new(ServerReadyResponse { ready }))
    }

    async fn model_ready(
        &self,
        request: Request<ModelReadyRequest>,
    ) -> Result<Response<ModelReadyResponse>, Status> {
        let ModelReadyRequest { name, version } = request.into_inner();
        let ready = self.app.oip.model(&name, Some(&version)).is_ok();
        Ok(Response::new(ModelReadyResponse { ready }))
    }

    async fn server_metadata(
        &self,
        _: Request<ServerMetadataRequest>,
    ) -> Result<Response<ServerMetadataResponse>, Status> {
        Ok(Response::new(self.app.oip.metadata().into()))
    }

    async fn model_metadata(
        &self,
        request: Request<ModelMetadataRequest>,
    ) -> Result<Response<ModelMetadataResponse>, Status> {
        let ModelMetadataRequest { name, version } = request.into_inner();
        Ok(Response::new(
            self.app.oip.model_metadata(&name, Some(&version))?.into(),
        ))
    }

    async fn model_infer(
        &self,
        request: Request<ModelInferRequest>,
    ) -> Result<Response<ModelInferResponse>, Status> {
        let max = self.app.limits.request_timeout;
        let start = request
            .extensions()
            .get()
            .map_or_else(Instant::now, |&RequestStart(time)| time);
        let deadline = start + deadline::timeout(request.metadata(), max);
        let incoming = request.extensions().get().cloned();
        let message = request.into_inner();
        let _reservation = reserve_memory(&message, incoming.as_ref(), &self.app.intake.memory)?;
        Ok(Response::new(
            infer(&self.app.oip, message, deadline).await?,
        ))
    }

    type ModelStreamInferStream = BoxStream<ModelStreamInferResponse>;

    async fn model_stream_infer(
        &self,
        request: Request<Streaming<ModelInferRequest>>,
    ) -> Result<Response<Self::ModelStreamInferStream>, Status> {
        let (service, bodies) = (Arc::clone(&self.app.oip), self.app.intake.memory.clone());
        let timeout = self.app.limits.request_timeout;
        let span = Span::current();
        let incoming: Option<Incoming> = request.extensions().get().cloned();
        // When the server stops, no further requests are read, and the received ones are completed.
        let messages = request
            .into_inner()
            .take_until(wait_for_shutdown(self.stopped.clone()));
        let responses = messages.map(move |message| {
            let service = Arc::clone(&service);
            // The memory of the received bytes is released before the next message is read.
            let reserved = message.and_then(|message| {
                reserve_memory(&message, incoming.as_ref(), &bodies)
                    .map(|reservation| (message, reservation))
            });
            let response = async move {
                let (message, _reservation) = reserved?;
                infer_one(service, message, timeout).await
            };
            response.instrument(span.clone())
        });
        Ok(Response::new(Box::pin(
            responses.buffered(MAX_IN_FLIGHT_PER_STREAM),
        )))
    }

    async fn model_config(
        &self,
        request: Request<ModelConfigRequest>,
    ) -> Result<Response<ModelConfigResponse>, Status> {
        let ModelConfigRequest { name, version } = request.into_inner();
        let config = self.app.oip.model_config(&name, Some(&version))?.into();
        Ok(Response::new(ModelConfigResponse {
            config: Some(config),
        }))
    }

    async fn model_statistics(
        &self,
        request: Request<ModelStatisticsRequest>,
    ) -> Result<Response<ModelStatisticsResponse>, Status> {
        let ModelStatisticsRequest { name, version } = request.into_inner();
        let stats = self.app.oip.statistics(Some(&name), Some(&version))?;
        let model_stats = stats.into_iter().map(Into::into).collect();
        Ok(Response::new(ModelStatisticsResponse { model_stats }))
    }

    async fn repository_index(
        &self,
        request: Request<RepositoryIndexRequest>,
    ) -> Result<Response<RepositoryIndexResponse>, Status> {
        let versions = self.app.oip.repository(request.get_ref().ready);
        let models = versions.into_iter().map(Into::into).collect();
        Ok(Response::new(RepositoryIndexResponse { models }))
    }

    async fn repository_model_load(
        &self,
        request: Request<RepositoryModelLoadRequest>,
    ) -> Result<Response<RepositoryModelLoadResponse>, Status> {
        self.authorize(request.metadata())?;
        let RepositoryModelLoadRequest {
            model_name,
            parameters,
            ..
        } = request.into_inner();
        self.app
            .oip
            .load(&model_name, parameters.keys().map(String::as_str))
            .await?;
        Ok(Response::new(RepositoryModelLoadResponse {}))
    }

    async fn repository_model_unload(
        &self,
        request: Request<RepositoryModelUnloadRequest>,
    ) -> Result<Response<RepositoryModelUnloadResponse>, Status> {
        self.authorize(request.metadata())?;
        self.app.oip.unload(&request.get_ref().model_name).await?;
        Ok(Response::new(RepositoryModelUnloadResponse {}))
    }
}
