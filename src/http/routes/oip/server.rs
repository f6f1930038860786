//! `GET /v2`, `/v2/health/live`, `/v2/health/ready`.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{http::State, oip::ServerMetadata, readiness::ServerStatus};

pub(super) const PATH: &str = "/v2";
pub(super) const LIVE_PATH: &str = "/v2/health/live";
pub(super) const READY_PATH: &str = "/v2/health/ready";

/// Whether the process works.
#[derive(Debug, Serialize, ToSchema)]
pub struct Live {
    /// Always true.
    live: bool,
}

/// Whether requests should be sent here.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ready {
    /// Whether the default model serves and the server is not about to stop.
    ready: bool,
}

/// What the server is, and which extensions of the protocol it has.
#[utoipa::path(get, path = PATH, tag = "inference", operation_id = "v2Server",
    responses((status = 200, description = "The server.", body = ServerMetadata)))]
pub async fn metadata(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(state.v2.metadata())
}

/// Whether the process works.
#[utoipa::path(get, path = LIVE_PATH, tag = "inference", operation_id = "v2Live",
    responses((status = 200, description = "The process works.", body = Live)))]
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().json(Live { live: true })
}

/// Whether requests should be sent here: as `/health/ready`.
#[utoipa::path(get, path = READY_PATH, tag = "inference", operation_id = "v2Ready",
    responses(
        (status = 200, description = "The default model serves.", body = Ready),
        (status = 503, description = "Send requests elsewhere.", body = Ready)))]
pub async fn ready(state: web::Data<State>) -> HttpResponse {
    match state.readiness.status() {
        ServerStatus::Ready => HttpResponse::Ok().json(Ready { ready: true }),
        ServerStatus::Loading | ServerStatus::Unavailable | ServerStatus::Draining => {
            HttpResponse::ServiceUnavailable().json(Ready { ready: false })
        }
    }
}
