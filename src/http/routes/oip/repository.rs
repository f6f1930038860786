//! `POST /v2/repository/index`, `POST /v2/repository/models/{model}/load`, `.../unload`.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, de::IgnoredAny};
use utoipa::ToSchema;

use super::ModelPath;
use crate::{
    app::AppState,
    excerpt::parser_message,
    http::{Admin, ApiError, SMALL_JSON, extract::request_times},
    intake::body,
    oip::ModelIndex,
};

const INDEX_PATH: &str = "/v2/repository/index";
const LOAD_PATH: &str = "/v2/repository/models/{model}/load";
const UNLOAD_PATH: &str = "/v2/repository/models/{model}/unload";

/// Request body of a list.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct IndexRequest {
    /// Lists only loaded versions.
    #[schema(default = false)]
    ready: Option<bool>,
}

/// Request body of a load or unload.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct ChangeRequest {
    /// The parameters `config` and `file:...` are rejected; others are ignored.
    #[schema(value_type = Option<Object>)]
    parameters: Option<BTreeMap<String, IgnoredAny>>,
}

/// List all versions and their state.
#[utoipa::path(post, path = INDEX_PATH, tag = "inference", operation_id = "v2RepositoryIndex",
    request_body(description = "Optional.", content = Option<IndexRequest>),
    responses(
        (status = 200, description = "The versions.", body = Vec<ModelIndex>),))]
pub async fn index(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let IndexRequest { ready } = optional_json(&request, payload, &state).await?;
    Ok(HttpResponse::Ok().json(state.oip.repository(ready.unwrap_or(false))))
}

/// Load or reload a model from disk.
///
/// Each version is warmed up before it replaces the previous one, so no request is rejected meanwhile.
#[utoipa::path(post, path = LOAD_PATH, tag = "inference", operation_id = "v2LoadModel",
    params(ModelPath),
    request_body(description = "Optional.", content = Option<ChangeRequest>),
    responses(
        (status = 200, description = "The model is loaded."),
    ))]
pub async fn load(
    _: Admin,
    request: HttpRequest,
    path: web::Path<ModelPath>,
    payload: web::Payload,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let ChangeRequest { parameters } = optional_json(&request, payload, &state).await?;
    let parameters = parameters.unwrap_or_default();
    state
        .oip
        .load(&path.model, parameters.keys().map(String::as_str))
        .await?;
    Ok(HttpResponse::Ok().finish())
}

/// Unload all versions of a model. Pending requests are completed.
#[utoipa::path(post, path = UNLOAD_PATH, tag = "inference", operation_id = "v2UnloadModel",
    params(ModelPath),
    request_body(description = "Optional.", content = Option<ChangeRequest>),
    responses(
        (status = 200, description = "The model is unloaded."),
    ))]
pub async fn unload(
    _: Admin,
    request: HttpRequest,
    path: web::Path<ModelPath>,
    payload: web::Payload,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let ChangeRequest { .. } = optional_json(&request, payload, &state).await?;
    state.oip.unload(&path.model).await?;
    Ok(HttpResponse::Ok().finish())
}

/// Reads a small optional body; `null` is like an empty body. Its `Content-Type` is not checked, because clients do not send it.
async fn optional_json<T: Default + for<'de> Deserialize<'de>>(
    request: &HttpRequest,
    payload: web::Payload,
    state: &AppState,
) -> Result<T, ApiError> {
    let limits = &state.limits;
    let times = request_times(request, limits.request_timeout)?;
    body::uncompressed(request)?;
    let reservation = state.intake.memory.reservation();
    let (max_body, timeout) = (SMALL_JSON, limits.body_timeout);
    let body = body::read(request, payload, max_body, reservation, times, timeout).await?;
    if body.trim_ascii().is_empty() {
        return Ok(T::default());
    }
    let given: Result<Option<T>, _> = serde_json::from_slice(&body);
    given
        .map(Option::unwrap_or_default)
        .map_err(|error| ApiError::invalid_request(format!("JSON: {}", parser_message(&error))))
}
