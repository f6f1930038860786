//! `GET /v1/models/{name}/promotions`.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::LIST_PATH;
use crate::{
    app::AppState,
    http::{ApiError, extract::ListLimit},
    models::LifecycleError,
    promotion::PromotionResponse,
};

/// Query parameters of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PromotionQuery {
    /// Maximum number of entries.
    #[serde(default)]
    #[param(value_type = usize, minimum = 1, maximum = 10_000, default = 100)]
    limit: ListLimit,
}

/// Promotions of a model.
#[derive(Debug, Serialize, ToSchema)]
pub struct PromotionList {
    /// Promotions, newest first.
    promotions: Vec<PromotionResponse>,
}

/// List the promotions of a model: pending and stored ones.
#[utoipa::path(get, path = LIST_PATH, tag = "models", operation_id = "listPromotions",
    params(
        ("name" = String, Path, description = "Name or alias of the model.", example = "resnet-20-v1"),
        PromotionQuery,
    ),
    responses(
        (status = 200, description = "The promotions.", body = PromotionList),)
)]
pub async fn list(
    name: web::Path<String>,
    query: web::Query<PromotionQuery>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let promotions = state.promotions.list(&name, query.limit.get()).await?;
    // A removed model may have stored promotions.
    if promotions.is_empty() && state.registry.model(&name).is_none() {
        return Err(LifecycleError::UnknownModel(name.into_inner()).into());
    }
    Ok(HttpResponse::Ok().json(PromotionList { promotions }))
}
