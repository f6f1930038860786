//! `DELETE /v1/models/{name}/promotions/{id}`.

use actix_web::{HttpResponse, web};

use super::{ONE_PATH, parse, unknown};
use crate::{app::AppState, http::ApiError, promotion::PromotionResponse};

/// Cancel a promotion.
///
/// Its evaluation is cancelled, the candidate is unloaded, and the previous version continues to serve. An ended promotion is not
/// changed.
#[utoipa::path(delete, path = ONE_PATH, tag = "models", operation_id = "cancelPromotion",
    params(
        ("name" = String, Path, description = "Name or alias of the model.", example = "resnet-20-v1"),
        ("id" = String, Path, description = "Identifier of the promotion."),
    ),
    responses(
        (status = 200, description = "The current state of the promotion.", body = PromotionResponse),)
)]
pub async fn cancel(
    path: web::Path<(String, String)>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let (name, id) = path.into_inner();
    let response = state.promotions.cancel(&name, parse(&name, &id)?).await?;
    Ok(HttpResponse::Ok().json(response.ok_or_else(|| unknown(&name, &id))?))
}
