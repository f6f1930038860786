//! `GET /metrics`.

use actix_web::{HttpRequest, HttpResponse, http::header::VARY, web};

use crate::{
    app::AppState,
    http::{ApiError, response::negotiation},
};

const PATH: &str = "/metrics";

/// Format of metrics.
#[derive(Debug, Clone, Copy)]
enum Format {
    /// Prometheus text format 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// Offers for content negotiation; the first one is the default.
    const OFFERS: [(&str, Self); 2] = [
        ("text/plain", Self::Prometheus),
        ("application/openmetrics-text", Self::OpenMetrics),
    ];

    fn media_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Return all metrics in the Prometheus text format, or as OpenMetrics with exemplars if `Accept` prefers it.
#[utoipa::path(get, path = PATH, tag = "operation", operation_id = "metrics",
    responses((status = 200, description = "All metrics, named `mien_*` and `process_*`.", content(
        (String = "text/plain",
            example = "mien_images_total{model=\"resnet-20-v1\",outcome=\"ok\",priority=\"live\",version=\"1\"} 17"),
        (String = "application/openmetrics-text")))))]
pub async fn metrics(
    request: HttpRequest,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    // Scrapers with an unusual `Accept` get the default instead of an error.
    let format = negotiation::best(&request, &Format::OFFERS).unwrap_or(Format::Prometheus);
    let metrics = &state.metrics;
    let text = match format {
        Format::Prometheus => metrics.render().map_err(ApiError::internal)?,
        Format::OpenMetrics => metrics.render_open_metrics().map_err(ApiError::internal)?,
    };
    Ok(HttpResponse::Ok()
        .content_type(format.media_type())
        .insert_header((VARY, "accept"))
        .body(text))
}
