//! `POST /v2/repository/index`.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    http::{ApiError, State, error::PlainError},
    v2::ModelIndex,
};

pub(super) const INDEX_PATH: &str = "/v2/repository/index";

/// What to list.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct IndexRequest {
    /// Only versions that serve.
    #[serde(default)]
    ready: bool,
}

/// Every version that the server knows, and whether it serves.
#[utoipa::path(post, path = INDEX_PATH, tag = "inference", operation_id = "v2RepositoryIndex",
    request_body(description = "May be empty.", content = Option<IndexRequest>),
    responses(
        (status = 200, description = "The versions.", body = Vec<ModelIndex>),
        (status = 400, description = "The body is no such JSON.", body = PlainError)))]
pub async fn index(body: web::Bytes, state: web::Data<State>) -> Result<HttpResponse, ApiError> {
    let request: IndexRequest = optional_json(&body)?;
    Ok(HttpResponse::Ok().json(state.v2.repository(request.ready)))
}

/// A body that may be left out; its type is not asked for, as clients do not tell it.
pub(super) fn optional_json<T: Default + for<'de> Deserialize<'de>>(
    body: &[u8],
) -> Result<T, ApiError> {
    if body.trim_ascii().is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(body)
        .map_err(|error| ApiError::invalid_request(format!("JSON: {error}")))
}
