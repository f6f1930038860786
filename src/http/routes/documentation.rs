//! `GET /openapi.json` and `GET /docs`: the API reference.

use actix_web::{HttpResponse, http::header::HeaderName, middleware::DefaultHeaders, web};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::web_ui;
use crate::http;

const PATH: &str = "/openapi.json";

/// Return the OpenAPI document.
#[utoipa::path(get, path = PATH, tag = "operation", operation_id = "openapi",
    responses((status = 200, description = "The API as OpenAPI 3.1.", body = serde_json::Value)))]
pub async fn openapi() -> HttpResponse {
    HttpResponse::Ok().json(http::openapi())
}

/// Registers Swagger UI.
pub(in crate::http) fn configure(config: &mut web::ServiceConfig) {
    config.service(web::redirect("/docs", "/docs/")).service(
        web::scope("/docs")
            .wrap(headers(web_ui::policy(web_ui::DOCS_POLICY)))
            .service(SwaggerUi::new("/{file:.*}").config(Config::from(PATH))),
    );
}

/// Returns the headers of every response below a path.
fn headers(headers: [(HeaderName, &'static str); 3]) -> DefaultHeaders {
    headers
        .into_iter()
        .fold(DefaultHeaders::new(), DefaultHeaders::add)
}
