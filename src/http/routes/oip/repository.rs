//! `POST /v2/repository/index`, `POST /v2/repository/models/{model}/load`, `.../unload`.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, de::IgnoredAny};
use utoipa::ToSchema;

use super::ModelPath;
use crate::{
    app::AppState,
    http::{ApiError, extract::OptionalJson},
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
    OptionalJson(IndexRequest { ready }): OptionalJson<IndexRequest>,
    state: web::Data<AppState>,
) -> HttpResponse {
    HttpResponse::Ok().json(state.oip.repository(ready.unwrap_or(false)))
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
    path: web::Path<ModelPath>,
    OptionalJson(ChangeRequest { parameters }): OptionalJson<ChangeRequest>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
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
    path: web::Path<ModelPath>,
    _: OptionalJson<ChangeRequest>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    state.oip.unload(&path.model).await?;
    Ok(HttpResponse::Ok().finish())
}
