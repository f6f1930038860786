//! `GET /v2/models/{model}[/versions/{version}]` and below: metadata, readiness, configuration, statistics.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::ModelPath;
use crate::{
    app::AppState,
    http::ApiError,
    oip::{ModelConfig, ModelMetadata, ModelStatistics},
};

const ALL_STATISTICS_PATH: &str = "/v2/models/stats";

/// Readiness of a model.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelReady {
    /// Name of the model.
    #[schema(example = "resnet-20-v1")]
    name: String,
    /// Always true; a model that is not loaded returns 404.
    ready: bool,
}

/// Statistics of versions since they were loaded.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatisticsList {
    /// One entry per version.
    model_stats: Vec<ModelStatistics>,
}

/// Return the metadata of a model: inputs and outputs.
#[utoipa::path(get, path = "/v2/models/{model}", tag = "inference", operation_id = "v2Model",
    params(ModelPath),
    responses(
        (status = 200, description = "The model.", body = ModelMetadata),))]
pub async fn metadata(
    path: web::Path<ModelPath>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(
        state
            .oip
            .model_metadata(&path.model, path.version.as_deref())?,
    ))
}

/// Readiness of a model.
#[utoipa::path(get, path = "/v2/models/{model}/ready", tag = "inference", operation_id = "v2ModelReady",
    params(ModelPath),
    responses(
        (status = 200, description = "The model is loaded.", body = ModelReady),))]
pub async fn ready(
    path: web::Path<ModelPath>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let model = state.oip.model(&path.model, path.version.as_deref())?;
    Ok(HttpResponse::Ok().json(ModelReady {
        name: model.name.clone(),
        ready: true,
    }))
}

/// Return the configuration of a model in the format of Triton.
#[utoipa::path(get, path = "/v2/models/{model}/config", tag = "inference", operation_id = "v2ModelConfig",
    params(ModelPath),
    responses(
        (status = 200, description = "The configuration.", body = ModelConfig),))]
pub async fn config(
    path: web::Path<ModelPath>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(
        state
            .oip
            .model_config(&path.model, path.version.as_deref())?,
    ))
}

/// Return the statistics of a model: of all versions, or of the version in the path.
#[utoipa::path(get, path = "/v2/models/{model}/stats", tag = "inference", operation_id = "v2ModelStatistics",
    params(ModelPath),
    responses(
        (status = 200, description = "The statistics.", body = StatisticsList),))]
pub async fn statistics(
    path: web::Path<ModelPath>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let model_stats = state
        .oip
        .statistics(Some(&path.model), path.version.as_deref())?;
    Ok(HttpResponse::Ok().json(StatisticsList { model_stats }))
}

/// Return the statistics of all models.
#[utoipa::path(get, path = ALL_STATISTICS_PATH, tag = "inference", operation_id = "v2Statistics",
    responses((status = 200, description = "The statistics.", body = StatisticsList)))]
pub async fn all_statistics(state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(StatisticsList {
        model_stats: state.oip.statistics(None, None)?,
    }))
}
