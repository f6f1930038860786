//! `PUT` and `DELETE /v1/models/{name}/pin`.

use actix_web::{HttpResponse, web};

use super::ModelSummary;
use crate::{app::AppState, http::ApiError};

const PATH: &str = "/v1/models/{name}/pin";

/// Pin a model to its serving version.
///
/// The pinned version serves requests without a version even if newer versions are loaded, until a promotion moves the pin or
/// the pin is removed. `latest` then counts from the pinned version down. A promotion pins the model by itself. Pin a model
/// before its first promotion, so that a new version that is copied into the repository does not serve traffic. The pin is
/// stored with the state of the server.
#[utoipa::path(put, path = PATH, tag = "models", operation_id = "pinModel",
    params(("name" = String, Path, description = "Name or alias of the model.", example = "resnet-20-v1")),
    responses(
        (status = 200, description = "The current state of the model.", body = ModelSummary),
    )
)]
pub async fn pin(
    name: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let model = state.promotions.pin(&name).await?;
    Ok(HttpResponse::Ok().json(ModelSummary::from(model)))
}

/// Remove the pin of a model.
///
/// `--version-policy` determines again which versions are loaded, and the highest version that loads serves the traffic. A
/// version that cannot be served has the status `failed`, and the previous version continues to serve.
#[utoipa::path(delete, path = PATH, tag = "models", operation_id = "releaseModel",
    params(("name" = String, Path, description = "Name or alias of the model.", example = "resnet-20-v1")),
    responses(
        (status = 200, description = "The current state of the model.", body = ModelSummary),
    )
)]
pub async fn unpin(
    name: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let model = state.promotions.unpin(&name).await?;
    Ok(HttpResponse::Ok().json(ModelSummary::from(model)))
}
