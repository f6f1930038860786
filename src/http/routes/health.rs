//! `GET /health/live`, `GET /health/ready`.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::{AppState, readiness::ServerStatus};

const LIVE_PATH: &str = "/health/live";
const READY_PATH: &str = "/health/ready";

/// Status of the server.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `live`, `ready`, `loading`, `unavailable` (the default model is not loaded) or `draining`.
    #[schema(example = "ready")]
    pub status: String,
}

fn health(status: &str) -> Health {
    Health {
        status: status.to_owned(),
    }
}

/// Liveness check.
///
/// Returns 200 as long as the process responds, also while it drains.
#[utoipa::path(get, path = LIVE_PATH, tag = "operation", operation_id = "live",
    responses((status = 200, description = "The process is live.", body = Health)))]
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().json(health("live"))
}

/// Readiness check.
///
/// Returns 503 until the default model is loaded, and from the start of a shutdown. Requests are still accepted then for
/// `--drain-delay`.
#[utoipa::path(get, path = READY_PATH, tag = "operation", operation_id = "ready",
    responses(
        (status = 200, description = "The default model is loaded.", body = Health),
        (status = 503, description = "The server is not ready; send requests to another replica.", body = Health)))]
pub async fn ready(state: web::Data<AppState>) -> HttpResponse {
    match state.readiness.status() {
        ServerStatus::Ready => HttpResponse::Ok().json(health("ready")),
        ServerStatus::Draining => HttpResponse::ServiceUnavailable().json(health("draining")),
        ServerStatus::Loading => HttpResponse::ServiceUnavailable().json(health("loading")),
        ServerStatus::Unavailable => HttpResponse::ServiceUnavailable().json(health("unavailable")),
    }
}
