//! `GET /health/live`, `GET /health/ready`.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{http::State, readiness::ServerStatus};

pub(super) const LIVE_PATH: &str = "/health/live";
pub(super) const READY_PATH: &str = "/health/ready";

/// How the server is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `live`, `ready`, `loading`, `unavailable` (the default model does not serve) or `draining`.
    #[schema(example = "ready")]
    pub status: String,
}

fn health(status: &str) -> Health {
    Health { status: status.to_owned() }
}

/// Whether the process works.
///
/// 200 as long as it answers at all, while it drains too.
#[utoipa::path(get, path = LIVE_PATH, tag = "operation", operation_id = "live",
    responses((status = 200, description = "The process works.", body = Health)))]
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().json(health("live"))
}

/// Whether requests should be sent here.
///
/// 503 before the default model serves, and from the first moment of a shutdown; requests are still
/// answered then for the time of `--drain-delay`.
#[utoipa::path(get, path = READY_PATH, tag = "operation", operation_id = "ready",
    responses(
        (status = 200, description = "The default model serves.", body = Health),
        (status = 503, description = "Send requests elsewhere.", body = Health)))]
pub async fn ready(state: web::Data<State>) -> HttpResponse {
    match state.readiness.status() {
        ServerStatus::Ready => HttpResponse::Ok().json(health("ready")),
        ServerStatus::Draining => HttpResponse::ServiceUnavailable().json(health("draining")),
        ServerStatus::Loading => HttpResponse::ServiceUnavailable().json(health("loading")),
        ServerStatus::Unavailable => HttpResponse::ServiceUnavailable().json(health("unavailable")),
    }
}
