//! `GET /v2/models/{model}[/versions/{version}]` and below: metadata, readiness, configuration, statistics.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::ModelPath;
use crate::{
    http::{ApiError, State, error::OipError},
    oip::{ModelConfig, ModelMetadata, ModelStatistics},
};

pub(super) const ALL_STATISTICS_PATH: &str = "/v2/models/stats";

/// Whether a model serves.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelReady {
    /// The model.
    #[schema(example = "resnet-20-v1")]
    name: String,
    /// Always true: a model that does not serve is a 404.
    ready: bool,
}

/// What versions have done since they were loaded.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatisticsList {
    /// One entry a version.
    model_stats: Vec<ModelStatistics>,
}

/// What a model takes and gives.
#[utoipa::path(get, path = "/v2/models/{model}", tag = "inference", operation_id = "v2Model",
    params(ModelPath),
    responses(
        (status = 200, description = "The model.", body = ModelMetadata),
        (status = 404, description = "No such model serves.", body = OipError)))]
pub async fn metadata(
    path: web::Path<ModelPath>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(state.v2.model_metadata(&path.model, path.version.as_deref())?))
}

/// Whether a model serves.
#[utoipa::path(get, path = "/v2/models/{model}/ready", tag = "inference", operation_id = "v2ModelReady",
    params(ModelPath),
    responses(
        (status = 200, description = "It serves.", body = ModelReady),
        (status = 404, description = "No such model serves.", body = OipError)))]
pub async fn ready(
    path: web::Path<ModelPath>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let model = state.v2.model(&path.model, path.version.as_deref())?;
    Ok(HttpResponse::Ok().json(ModelReady { name: model.name.clone(), ready: true }))
}

/// How a model is served, in the terms of Triton's model configuration.
#[utoipa::path(get, path = "/v2/models/{model}/config", tag = "inference", operation_id = "v2ModelConfig",
    params(ModelPath),
    responses(
        (status = 200, description = "The configuration.", body = ModelConfig),
        (status = 404, description = "No such model serves.", body = OipError)))]
pub async fn config(
    path: web::Path<ModelPath>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(state.v2.model_config(&path.model, path.version.as_deref())?))
}

/// What a model has done since it was loaded: all its versions, or the one that the path names.
#[utoipa::path(get, path = "/v2/models/{model}/stats", tag = "inference", operation_id = "v2ModelStatistics",
    params(ModelPath),
    responses(
        (status = 200, description = "The statistics.", body = StatisticsList),
        (status = 404, description = "No such model serves.", body = OipError)))]
pub async fn statistics(
    path: web::Path<ModelPath>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let model_stats = state.v2.statistics(Some(&path.model), path.version.as_deref())?;
    Ok(HttpResponse::Ok().json(StatisticsList { model_stats }))
}

/// What all models have done since they were loaded.
#[utoipa::path(get, path = ALL_STATISTICS_PATH, tag = "inference", operation_id = "v2Statistics",
    responses((status = 200, description = "The statistics.", body = StatisticsList)))]
pub async fn all_statistics(state: web::Data<State>) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(StatisticsList { model_stats: state.v2.statistics(None, None)? }))
}
