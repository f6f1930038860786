//! The standard health checks of gRPC for the whole server and for the inference service.

use std::{future::ready, sync::Arc};

use futures_util::{Stream, StreamExt, stream};
use tokio::sync::watch;
use tonic::{Request, Response, Status, codegen::BoxStream};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse,
    health_check_response::ServingStatus,
    health_server::{self, HealthServer},
};

use super::{proto::grpc_inference_service_server::SERVICE_NAME, shutdown::wait_for_shutdown};
use crate::app::readiness::{Readiness, ServerStatus};

/// The health service.
pub(super) struct Health {
    readiness: Arc<Readiness>,
    stopped: watch::Receiver<bool>,
}

impl Health {
    pub(super) fn new(readiness: Arc<Readiness>, stopped: watch::Receiver<bool>) -> Self {
        Self { readiness, stopped }
    }

    pub(super) fn service(self) -> HealthServer<Self> {
        HealthServer::new(self)
    }
}

fn serving_status(status: ServerStatus) -> ServingStatus {
    match status {
        ServerStatus::Ready => ServingStatus::Serving,
        ServerStatus::Loading | ServerStatus::Unavailable | ServerStatus::Draining => {
            ServingStatus::NotServing
        }
    }
}

fn is_known(service: &str) -> bool {
    service.is_empty() || service == SERVICE_NAME
}

/// Streams the current status and then each change of it.
fn changes(readiness: Arc<Readiness>) -> impl Stream<Item = ServingStatus> {
    let mut last = None;
    readiness.statuses().filter_map(move |status| {
        let now = serving_status(status);
        // Two statuses of the server can be the same one of the protocol.
        ready((last.replace(now) != Some(now)).then_some(now))
    })
}

#[tonic::async_trait]
impl health_server::Health for Health {
    type WatchStream = BoxStream<HealthCheckResponse>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        if !is_known(&request.get_ref().service) {
            return Err(Status::not_found("unknown service"));
        }
        let status = serving_status(self.readiness.status()).into();
        Ok(Response::new(HealthCheckResponse { status }))
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let response = |status: ServingStatus| {
            Ok(HealthCheckResponse {
                status: status.into(),
            })
        };
        let end = wait_for_shutdown(self.stopped.clone());
        if is_known(&request.get_ref().service) {
            let changes = changes(Arc::clone(&self.readiness))
                .map(response)
                .take_until(end);
            return Ok(Response::new(Box::pin(changes)));
        }
        // The protocol requires SERVICE_UNKNOWN instead of an error here.
        let unknown = stream::iter([response(ServingStatus::ServiceUnknown)]);
        Ok(Response::new(Box::pin(
            unknown.chain(stream::pending()).take_until(end),
        )))
    }
}
