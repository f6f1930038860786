//! `POST /v1/models/{name}/load`, `POST /v1/models/{name}/unload`.

use actix_web::{HttpResponse, web};

use super::ModelSummary;
use crate::{app::AppState, http::ApiError};

const LOAD_PATH: &str = "/v1/models/{name}/load";
const UNLOAD_PATH: &str = "/v1/models/{name}/unload";

/// Load or reload a model from disk.
///
/// `--version-policy` determines the versions. Each version is loaded and warmed up before it replaces the previous one, so no
/// request is rejected meanwhile. The response is sent when loading has ended. Changes are made one at a time.
#[utoipa::path(post, path = LOAD_PATH, tag = "models", operation_id = "loadModel",
    params(("name" = String, Path, description = "Name or alias of the model.", example = "resnet-20-v1")),
    responses(
        (status = 200, description = "The current state of the model.", body = ModelSummary),
    )
)]
pub async fn load(
    name: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let model = state.registry.load_model(&name).await?;
    Ok(HttpResponse::Ok().json(ModelSummary::from(model)))
}

/// Unload all versions of a model.
///
/// Pending requests are completed, then the memory is released. The model stays unloaded until it is loaded again or the server
/// restarts.
#[utoipa::path(post, path = UNLOAD_PATH, tag = "models", operation_id = "unloadModel",
    params(("name" = String, Path, description = "Name or alias of the model.", example = "resnet-20-v1")),
    responses(
        (status = 200, description = "The current state of the model.", body = ModelSummary),
    )
)]
pub async fn unload(
    name: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let model = state.registry.unload_model(&name).await?;
    Ok(HttpResponse::Ok().json(ModelSummary::from(model)))
}
