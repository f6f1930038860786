//! `POST /v2/repository/index`, `POST /v2/repository/models/{model}/load`, `.../unload`.

use std::{collections::BTreeMap, time::Instant};

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, de::IgnoredAny};
use utoipa::ToSchema;

use super::ModelPath;
use crate::{
    http::{Admin, ApiError, SMALL_JSON, State, body, deadline, error::OipError},
    oip::ModelIndex,
};

pub(super) const INDEX_PATH: &str = "/v2/repository/index";
pub(super) const LOAD_PATH: &str = "/v2/repository/models/{model}/load";
pub(super) const UNLOAD_PATH: &str = "/v2/repository/models/{model}/unload";

/// What to list.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct IndexRequest {
    /// Only versions that serve.
    #[serde(default)]
    ready: bool,
}

/// How to change a model.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct ChangeRequest {
    /// Another configuration or other files (`config`, `file:...`) are refused; all else is ignored.
    #[serde(default)]
    #[schema(value_type = Object)]
    parameters: BTreeMap<String, IgnoredAny>,
}

/// Every version that the server knows, and whether it serves.
#[utoipa::path(post, path = INDEX_PATH, tag = "inference", operation_id = "v2RepositoryIndex",
    request_body(description = "May be empty.", content = Option<IndexRequest>),
    responses(
        (status = 200, description = "The versions.", body = Vec<ModelIndex>),
        (status = 400, description = "The body is no such JSON.", body = OipError)))]
pub async fn index(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let IndexRequest { ready } = optional_json(&request, payload, &state).await?;
    Ok(HttpResponse::Ok().json(state.v2.repository(ready)))
}

/// Loads a model, or loads it anew, from what is on disk now.
///
/// Each version is tried before it takes the place of the one before; no request is refused meanwhile.
#[utoipa::path(post, path = LOAD_PATH, tag = "inference", operation_id = "v2LoadModel",
    params(ModelPath),
    request_body(description = "May be empty.", content = Option<ChangeRequest>),
    responses(
        (status = 200, description = "It serves."),
        (status = 400, description = "It cannot be served, and why. What served before goes on.", body = OipError),
        (status = 401, description = "The admin token is not there or another one.", body = OipError),
        (status = 403, description = "Orders are not taken here, or not from this page.", body = OipError),
        (status = 404, description = "It is not in the models folder.", body = OipError),
        (status = 503, description = "Too many changes wait.", body = OipError)))]
pub async fn load(
    _: Admin,
    request: HttpRequest,
    path: web::Path<ModelPath>,
    payload: web::Payload,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let change: ChangeRequest = optional_json(&request, payload, &state).await?;
    state.v2.load(&path.model, change.parameters.keys().map(String::as_str)).await?;
    Ok(HttpResponse::Ok().finish())
}

/// Takes a model out of service, all its versions. Requests that it has are answered.
#[utoipa::path(post, path = UNLOAD_PATH, tag = "inference", operation_id = "v2UnloadModel",
    params(ModelPath),
    request_body(description = "May be empty.", content = Option<ChangeRequest>),
    responses(
        (status = 200, description = "It takes no more requests."),
        (status = 400, description = "The body is no such JSON.", body = OipError),
        (status = 401, description = "The admin token is not there or another one.", body = OipError),
        (status = 403, description = "Orders are not taken here, or not from this page.", body = OipError),
        (status = 404, description = "There is no such model.", body = OipError),
        (status = 503, description = "Too many changes wait.", body = OipError)))]
pub async fn unload(
    _: Admin,
    request: HttpRequest,
    path: web::Path<ModelPath>,
    payload: web::Payload,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let ChangeRequest { .. } = optional_json(&request, payload, &state).await?;
    state.v2.unload(&path.model).await?;
    Ok(HttpResponse::Ok().finish())
}

/// A small body that may be left out; its type is not asked for, as clients do not tell it.
async fn optional_json<T: Default + for<'de> Deserialize<'de>>(
    request: &HttpRequest,
    payload: web::Payload,
    state: &State,
) -> Result<T, ApiError> {
    let (start, limits) = (Instant::now(), state.v2.limits());
    let deadline = start + deadline::timeout(request, limits.request_timeout)?;
    body::uncompressed(request)?;
    let stream = body::limited(request, payload, SMALL_JSON, state.bodies.reservation())?;
    let reading = body::collect(stream, SMALL_JSON);
    let body = body::with_timeout(reading, start, deadline, limits).await?;
    if body.trim_ascii().is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(&body)
        .map_err(|error| ApiError::invalid_request(format!("JSON: {error}")))
}
