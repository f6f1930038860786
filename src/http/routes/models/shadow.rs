//! `POST`, `GET` and `DELETE /v1/models/{name}/shadow`.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::promotions::create::parse_version;
use crate::{
    app::AppState,
    excerpt::Excerpt,
    http::{
        ApiError,
        error::Code,
        extract::{JsonBody, Version},
    },
    models::registry::ResolveError,
    shadow::{ShadowReport, ShadowSpec},
};

const PATH: &str = "/v1/models/{name}/shadow";

/// Request body of a shadow.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShadowRequest {
    /// Version of the same model, or `NAME@VERSION`. It need not be loaded.
    #[schema(value_type = String, example = "2")]
    candidate: Version,
    /// The version that must serve; by default the version that serves.
    #[schema(value_type = Option<String>, example = "1")]
    version: Option<Version>,
    /// Share of the images that are copied, greater than 0 and at most 1; by default `--shadow-share`.
    #[schema(exclusive_minimum = 0, maximum = 1, example = 0.1)]
    share: Option<f64>,
}

/// Compare a candidate with the serving version on images of clients.
///
/// The server loads the candidate and copies a share of the images that clients send to the serving version. The candidate classifies the
/// copies at background priority. Clients get only the predictions of the serving version. If a queue is full, copies are dropped.
/// Frames of `/v1/live` are not copied. The candidate must have the same labels and the same input size as the serving version.
///
/// The server responds when the candidate is loaded. The shadow ends when another version serves or when the files of a version are
/// replaced. Images are not stored.
#[utoipa::path(
    post, path = PATH, tag = "models", operation_id = "startShadow",
    params(("name" = String, Path, description = "Name or alias of the model.", example = "resnet-20-v1")),
    request_body = ShadowRequest,
    responses((status = 201, description = "The candidate is loaded and the shadow is running.", body = ShadowReport))
)]
pub async fn create(
    name: web::Path<String>,
    JsonBody(request): JsonBody<ShadowRequest>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let share = request.share.unwrap_or(state.shadow_share);
    if !(share > 0.0 && share <= 1.0) {
        let detail = format!("`share` is {share}; it must be greater than 0 and at most 1");
        return Err(ApiError::invalid_request(detail));
    }
    let spec = request.spec(name.into_inner())?;
    let report = state.shadows.start(&spec, share).await?;
    Ok(HttpResponse::Created().json(report))
}

/// Return the running shadow of a model, otherwise the last one since the start of the server.
#[utoipa::path(
    get, path = PATH, tag = "models", operation_id = "getShadow",
    params(("name" = String, Path, description = "Name or alias of the model.", example = "resnet-20-v1")),
    responses((status = 200, description = "The shadow.", body = ShadowReport))
)]
pub async fn get(
    name: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let report = state.shadows.get(&name);
    respond(&name, report, &state)
}

/// End the running shadow of a model.
///
/// The response contains the final results. Without a running shadow it contains those of the last one.
#[utoipa::path(
    delete, path = PATH, tag = "models", operation_id = "endShadow",
    params(("name" = String, Path, description = "Name or alias of the model.", example = "resnet-20-v1")),
    responses((status = 200, description = "The shadow.", body = ShadowReport))
)]
pub async fn end(
    name: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let report = state.shadows.end(&name).await;
    respond(&name, report, &state)
}

fn respond(
    name: &str,
    report: Option<ShadowReport>,
    state: &AppState,
) -> Result<HttpResponse, ApiError> {
    match report {
        Some(report) => Ok(HttpResponse::Ok().json(report)),
        None if state.registry.model(name).is_none() => {
            Err(ResolveError::UnknownModel(name.to_owned()).into())
        }
        None => {
            let detail = format!(
                "the server has not run a shadow of model `{}` since its start; POST to this path starts one",
                Excerpt(name)
            );
            Err(ApiError::new(Code::UnknownShadow, detail))
        }
    }
}

impl ShadowRequest {
    fn spec(self, model: String) -> Result<ShadowSpec, ApiError> {
        let candidate = self.candidate.into_text();
        let parsed = candidate.parse();
        let candidate = parsed.map_err(|reason: String| {
            let detail = format!("`candidate` is `{}`: {reason}", Excerpt(&candidate));
            ApiError::invalid_request(detail)
        })?;
        let version = self.version.map(|version| parse_version(&model, version));
        Ok(ShadowSpec {
            version: version.transpose()?,
            model,
            candidate,
        })
    }
}
