//! The routes: one file per resource.

pub mod classify;
pub mod datasets;
pub mod evaluations;
pub mod explain;
pub mod health;
pub mod metrics;
pub mod models;
pub mod oip;
pub mod web_ui;

use actix_web::{
    HttpRequest, Resource, Route, guard, http::header::HeaderName, middleware::DefaultHeaders, web,
};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{
    error::{ApiError, Code},
    openapi,
};
use crate::metrics::Metrics;

/// The routes that metrics show from the start: method, pattern, status of success.
const ROUTES: [(&str, &str, u16); 28] = [
    ("POST", classify::PATH, 200),
    ("POST", explain::PATH, 200),
    ("POST", evaluations::LIST_PATH, 202),
    ("GET", evaluations::LIST_PATH, 200),
    ("GET", evaluations::compare::PATH, 200),
    ("GET", evaluations::ONE_PATH, 200),
    ("DELETE", evaluations::ONE_PATH, 200),
    ("GET", evaluations::events::PATH, 200),
    ("GET", evaluations::predictions::PATH, 200),
    ("GET", evaluations::report::PATH, 200),
    ("GET", datasets::LIST_PATH, 200),
    ("GET", datasets::IMAGE_PATH, 200),
    ("GET", models::LIST_PATH, 200),
    ("GET", models::ONE_PATH, 200),
    ("POST", models::LOAD_PATH, 200),
    ("POST", models::UNLOAD_PATH, 200),
    ("PUT", models::pin::PATH, 200),
    ("DELETE", models::pin::PATH, 200),
    ("POST", models::promotions::LIST_PATH, 202),
    ("GET", models::promotions::LIST_PATH, 200),
    ("GET", models::promotions::ONE_PATH, 200),
    ("DELETE", models::promotions::ONE_PATH, 200),
    ("GET", health::LIVE_PATH, 200),
    ("GET", health::READY_PATH, 200),
    ("GET", metrics::PATH, 200),
    ("GET", openapi::PATH, 200),
    ("GET", web_ui::PATH, 200),
    ("GET", web_ui::FILES_PATH, 200),
];

/// Creates the metrics of every route with the value 0.
pub fn init_metrics(metrics: &Metrics) {
    for (method, route, status) in ROUTES {
        metrics.init_route(method, route, status);
    }
    oip::init_metrics(metrics);
}

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .service(post(classify::PATH, web::post().to(classify::classify)))
        .service(post(explain::PATH, web::post().to(explain::explain)))
        .service(
            web::resource(evaluations::LIST_PATH)
                .route(web::post().to(evaluations::create))
                .route(get_or_head().to(evaluations::list))
                .default_service(web::to(async || method_not_allowed("GET, HEAD, POST"))),
        )
        // This must precede the pattern that would match `compare` as an identifier.
        .service(get(
            evaluations::compare::PATH,
            get_or_head().to(evaluations::compare::compare),
        ))
        .service(
            web::resource(evaluations::ONE_PATH)
                .route(web::delete().to(evaluations::delete))
                .route(get_or_head().to(evaluations::one))
                .default_service(web::to(async || method_not_allowed("GET, HEAD, DELETE"))),
        )
        .service(
            web::resource(evaluations::events::PATH)
                .route(web::get().to(evaluations::events::events))
                .default_service(web::to(async || method_not_allowed("GET"))),
        )
        .service(get(
            evaluations::predictions::PATH,
            get_or_head().to(evaluations::predictions::predictions),
        ))
        .service(get(
            evaluations::report::PATH,
            get_or_head().to(evaluations::report::report),
        ))
        .service(get(datasets::LIST_PATH, get_or_head().to(datasets::list)))
        .service(get(datasets::IMAGE_PATH, get_or_head().to(datasets::image)))
        .service(get(models::LIST_PATH, get_or_head().to(models::list)))
        .service(get(models::ONE_PATH, get_or_head().to(models::one)))
        .service(post(models::LOAD_PATH, web::post().to(models::load)))
        .service(post(models::UNLOAD_PATH, web::post().to(models::unload)))
        .service(
            web::resource(models::pin::PATH)
                .route(web::put().to(models::pin::pin))
                .route(web::delete().to(models::pin::unpin))
                .default_service(web::to(async || method_not_allowed("DELETE, PUT"))),
        )
        .service(
            web::resource(models::promotions::LIST_PATH)
                .route(web::post().to(models::promotions::create))
                .route(get_or_head().to(models::promotions::list))
                .default_service(web::to(async || method_not_allowed("GET, HEAD, POST"))),
        )
        .service(
            web::resource(models::promotions::ONE_PATH)
                .route(web::delete().to(models::promotions::cancel))
                .route(get_or_head().to(models::promotions::one))
                .default_service(web::to(async || method_not_allowed("GET, HEAD, DELETE"))),
        )
        .service(get(health::LIVE_PATH, get_or_head().to(health::live)))
        .service(get(health::READY_PATH, get_or_head().to(health::ready)))
        .service(get(metrics::PATH, get_or_head().to(metrics::metrics)))
        .configure(oip::configure)
        .service(get(openapi::PATH, get_or_head().to(openapi::serve)))
        .service(get(web_ui::PATH, get_or_head().to(web_ui::index)))
        .service(get(web_ui::FILES_PATH, get_or_head().to(web_ui::file)))
        .service(web::redirect("/docs", "/docs/"))
        .service(
            web::scope("/docs")
                .wrap(headers(web_ui::policy(web_ui::DOCS_POLICY)))
                .service(SwaggerUi::new("/{file:.*}").config(Config::from(openapi::PATH))),
        );
}

/// Returns the headers of every response below a path.
fn headers(headers: [(HeaderName, &'static str); 3]) -> DefaultHeaders {
    headers
        .into_iter()
        .fold(DefaultHeaders::new(), DefaultHeaders::add)
}

/// Returns a read-only resource.
fn get(path: &str, route: Route) -> Resource {
    web::resource(path)
        .route(route)
        .default_service(web::to(async || method_not_allowed("GET, HEAD")))
}

/// Returns a resource that supports POST only.
fn post(path: &str, route: Route) -> Resource {
    web::resource(path)
        .route(route)
        .default_service(web::to(async || method_not_allowed("POST")))
}

/// Returns a route for GET and HEAD.
pub fn get_or_head() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// Returns the response to an unsupported method.
///
/// # Errors
/// Always returns 405 with the header `Allow`.
pub fn method_not_allowed(allow: &'static str) -> Result<actix_web::HttpResponse, ApiError> {
    Err(ApiError::method_not_allowed(allow))
}

pub(super) async fn not_found(request: HttpRequest) -> Result<actix_web::HttpResponse, ApiError> {
    let detail = format!("no route matches {}; see /docs", request.path());
    Err(ApiError::new(Code::NotFound, detail))
}
