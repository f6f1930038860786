//! gRPC's standard health checks: the server's readiness, for it as a whole and for the inference service.

use std::{sync::Arc, time::Duration};

use futures_util::{Stream, StreamExt, stream};
use tokio::{sync::watch, time::sleep};
use tonic::{Request, Response, Status, codegen::BoxStream};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse,
    health_check_response::ServingStatus,
    health_server::{self, HealthServer},
};

use super::{proto::grpc_inference_service_server::SERVICE_NAME, server::until};
use crate::readiness::{Readiness, ServerStatus};

/// How often a watched condition is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Answers for the server.
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

fn status(readiness: &Readiness) -> ServingStatus {
    match readiness.status() {
        ServerStatus::Ready => ServingStatus::Serving,
        ServerStatus::Loading | ServerStatus::Unavailable | ServerStatus::Draining => {
            ServingStatus::NotServing
        }
    }
}

fn is_known(service: &str) -> bool {
    service.is_empty() || service == SERVICE_NAME
}

/// Each status that differs from the one before it.
fn changes(readiness: Arc<Readiness>) -> impl Stream<Item = ServingStatus> {
    stream::unfold((readiness, None), async |(readiness, last)| {
        loop {
            let now = status(&readiness);
            if last != Some(now) {
                return Some((now, (readiness, Some(now))));
            }
            sleep(LOOK).await;
        }
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
            return Err(Status::not_found("there is no service of this name"));
        }
        let status = status(&self.readiness).into();
        Ok(Response::new(HealthCheckResponse { status }))
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let answer = |status: ServingStatus| Ok(HealthCheckResponse { status: status.into() });
        let end = until(self.stopped.clone());
        if is_known(&request.get_ref().service) {
            let changes = changes(Arc::clone(&self.readiness)).map(answer).take_until(end);
            return Ok(Response::new(Box::pin(changes)));
        }
        // As the standard has it: a service that is not known may come.
        let unknown = stream::iter([answer(ServingStatus::ServiceUnknown)]);
        Ok(Response::new(Box::pin(unknown.chain(stream::pending()).take_until(end))))
    }
}
