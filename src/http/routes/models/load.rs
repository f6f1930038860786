//! `POST /v1/models/{name}/load`, `POST /v1/models/{name}/unload`.

use actix_web::{HttpResponse, web};

use super::ModelSummary;
use crate::http::{Admin, ApiError, State, error::Problem};

pub(in crate::http::routes) const LOAD_PATH: &str = "/v1/models/{name}/load";
pub(in crate::http::routes) const UNLOAD_PATH: &str = "/v1/models/{name}/unload";

/// Loads a model, or loads it anew, from what is on disk now.
///
/// Which versions is for `--version-policy` to say. Each is opened and tried before it takes the place of the one before; no
/// request is refused meanwhile. Answers when it is done. Changes are made one at a time.
#[utoipa::path(post, path = LOAD_PATH, tag = "models", operation_id = "loadModel",
    params(("name" = String, Path, description = "The model's name, or an alias.", example = "resnet-20-v1")),
    responses(
        (status = 200, description = "The model as it is now.", body = ModelSummary),
        (status = 401, description = "`unauthorized`: the admin token is not there or another one.",
            body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`: orders are not taken here, or not from this page.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`unknown_model`: it is not in the models folder.",
            body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`invalid_model`: a version cannot be served, and why. What served before goes on.",
            body = Problem, content_type = "application/problem+json"),
        (status = 500, description = "`internal`: the server's fault.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`overloaded`: too many changes wait. `shutting_down`: the server is shutting down.",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u64, description = "Seconds, at least 1."))),
    )
)]
pub async fn load(
    _: Admin,
    name: web::Path<String>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let model = state.registry.load_model(&name).await?;
    Ok(HttpResponse::Ok().json(ModelSummary::from(model)))
}

/// Takes a model out of service, all its versions.
///
/// Requests that it has are answered, then its memory is given back. It stays unloaded until it is loaded, or until the
/// server starts again.
#[utoipa::path(post, path = UNLOAD_PATH, tag = "models", operation_id = "unloadModel",
    params(("name" = String, Path, description = "The model's name, or an alias.", example = "resnet-20-v1")),
    responses(
        (status = 200, description = "The model as it is now.", body = ModelSummary),
        (status = 401, description = "`unauthorized`: the admin token is not there or another one.",
            body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`: orders are not taken here, or not from this page.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`unknown_model`.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`overloaded`: too many changes wait. `shutting_down`: the server is shutting down.",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u64, description = "Seconds, at least 1."))),
    )
)]
pub async fn unload(
    _: Admin,
    name: web::Path<String>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let model = state.registry.unload_model(&name).await?;
    Ok(HttpResponse::Ok().json(ModelSummary::from(model)))
}
