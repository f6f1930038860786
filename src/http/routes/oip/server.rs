//! `GET /v2`, `/v2/health/live`, `/v2/health/ready`.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::{AppState, readiness::ServerStatus},
    oip::ServerMetadata,
};

const PATH: &str = "/v2";
const LIVE_PATH: &str = "/v2/health/live";
const READY_PATH: &str = "/v2/health/ready";

/// Liveness of the server.
#[derive(Debug, Serialize, ToSchema)]
pub struct Live {
    /// Always true.
    live: bool,
}

/// Readiness of the server.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ready {
    /// Whether the default model is loaded and the server is not stopping.
    ready: bool,
}

/// Return the server metadata: name, version and protocol extensions.
#[utoipa::path(get, path = PATH, tag = "inference", operation_id = "v2Server",
    responses((status = 200, description = "The server.", body = ServerMetadata)))]
pub async fn metadata(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(state.oip.metadata())
}

/// Liveness of the server.
#[utoipa::path(get, path = LIVE_PATH, tag = "inference", operation_id = "v2Live",
    responses((status = 200, description = "The process is live.", body = Live)))]
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().json(Live { live: true })
}

/// Readiness of the server, the same as `/health/ready`.
#[utoipa::path(get, path = READY_PATH, tag = "inference", operation_id = "v2Ready",
    responses(
        (status = 200, description = "The default model is loaded.", body = Ready),
        (status = 503, description = "The server is not ready; send requests to another replica.", body = Ready)))]
pub async fn ready(state: web::Data<AppState>) -> HttpResponse {
    match state.readiness.status() {
        ServerStatus::Ready => HttpResponse::Ok().json(Ready { ready: true }),
        ServerStatus::Loading | ServerStatus::Unavailable | ServerStatus::Draining => {
            HttpResponse::ServiceUnavailable().json(Ready { ready: false })
        }
    }
}
