//! `GET /v1/models/{name}/promotions/{id}`.

use actix_web::{HttpResponse, web};

use super::{ONE_PATH, parse, unknown};
use crate::{app::AppState, http::ApiError, promotion::PromotionResponse};

/// Return a promotion with its progress, measured values and reason.
#[utoipa::path(get, path = ONE_PATH, tag = "models", operation_id = "getPromotion",
    params(
        ("name" = String, Path, description = "Name or alias of the model.", example = "resnet-20-v1"),
        ("id" = String, Path, description = "Identifier of the promotion."),
    ),
    responses(
        (status = 200, description = "The promotion.", body = PromotionResponse),)
)]
pub async fn get(
    path: web::Path<(String, String)>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let (name, id) = path.into_inner();
    let response = state.promotions.get(&name, parse(&name, &id)?).await?;
    Ok(HttpResponse::Ok().json(response.ok_or_else(|| unknown(&name, &id))?))
}
