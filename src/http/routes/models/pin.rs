//! `PUT` and `DELETE /v1/models/{name}/pin`.

use actix_web::{HttpResponse, web};

use super::ModelSummary;
use crate::http::{Admin, ApiError, State, error::Problem};

pub(in crate::http::routes) const PATH: &str = "/v1/models/{name}/pin";

/// Pins a model to the version that serves.
///
/// Requests that name no version get it, whatever is newer, until a promotion moves the pin or it is released; `latest`
/// counts from it down. A promotion pins by itself: this is for before the first one, so that a new version can be copied
/// into the models folder and does not take the traffic. It outlives the server, unless that keeps nothing.
#[utoipa::path(put, path = PATH, tag = "models", operation_id = "pinModel",
    params(("name" = String, Path, description = "The model's name, or an alias.", example = "resnet-20-v1")),
    responses(
        (status = 200, description = "The model as it is now.", body = ModelSummary),
        (status = 401, description = "`unauthorized`: the admin token is not there or another one.",
            body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`: orders are not taken here, or not from this page.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`unknown_model`.",
            body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`conflict`: no version of it serves.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`overloaded`: too many changes wait. `shutting_down`: the server is shutting down.",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u64, description = "Seconds, at least 1."))),
    )
)]
pub async fn pin(
    _: Admin,
    name: web::Path<String>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let model = state.promotions.pin(&name).await?;
    Ok(HttpResponse::Ok().json(ModelSummary::from(model)))
}

/// Releases the pin of a model.
///
/// `--version-policy` says again what is loaded, and the highest version that loads serves, from the answer on. A version that
/// cannot be served is `failed` in it, and the one before serves on.
#[utoipa::path(delete, path = PATH, tag = "models", operation_id = "releaseModel",
    params(("name" = String, Path, description = "The model's name, or an alias.", example = "resnet-20-v1")),
    responses(
        (status = 200, description = "The model as it is now.", body = ModelSummary),
        (status = 401, description = "`unauthorized`: the admin token is not there or another one.",
            body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`: orders are not taken here, or not from this page.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`unknown_model`.",
            body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`conflict`: the model is being promoted.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`overloaded`: too many changes wait. `shutting_down`: the server is shutting down.",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u64, description = "Seconds, at least 1."))),
    )
)]
pub async fn unpin(
    _: Admin,
    name: web::Path<String>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let model = state.promotions.unpin(&name).await?;
    Ok(HttpResponse::Ok().json(ModelSummary::from(model)))
}
