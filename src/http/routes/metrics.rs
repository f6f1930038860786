//! `GET /metrics`.

use actix_web::{HttpResponse, web};

use crate::{app::AppState, http::ApiError};

const PATH: &str = "/metrics";

/// Media type of the Prometheus text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Return all metrics in the Prometheus text format.
#[utoipa::path(get, path = PATH, tag = "operation", operation_id = "metrics",
    responses((status = 200, description = "All metrics, named `mien_*` and `process_*`.",
        body = String, content_type = "text/plain",
        example = "mien_images_total{model=\"resnet-20-v1\",outcome=\"ok\",priority=\"live\",version=\"1\"} 17")))]
pub async fn metrics(state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    let text = state.metrics.render().map_err(ApiError::internal)?;
    Ok(HttpResponse::Ok().content_type(TEXT_FORMAT).body(text))
}
