//! One file a resource.

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

/// The routes as metrics show them from the start: method, pattern, status of success.
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

/// Presents every route in the metrics at zero.
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
                .route(reading().to(evaluations::list))
                .default_service(web::to(async || only("GET, HEAD, POST"))),
        )
        // Before the pattern that would take its name for an id.
        .service(get(evaluations::compare::PATH, reading().to(evaluations::compare::compare)))
        .service(
            web::resource(evaluations::ONE_PATH)
                .route(web::delete().to(evaluations::delete))
                .route(reading().to(evaluations::one))
                .default_service(web::to(async || only("GET, HEAD, DELETE"))),
        )
        .service(
            web::resource(evaluations::events::PATH)
                .route(web::get().to(evaluations::events::events))
                .default_service(web::to(async || only("GET"))),
        )
        .service(get(
            evaluations::predictions::PATH,
            reading().to(evaluations::predictions::predictions),
        ))
        .service(get(evaluations::report::PATH, reading().to(evaluations::report::report)))
        .service(get(datasets::LIST_PATH, reading().to(datasets::list)))
        .service(get(datasets::IMAGE_PATH, reading().to(datasets::image)))
        .service(get(models::LIST_PATH, reading().to(models::list)))
        .service(get(models::ONE_PATH, reading().to(models::one)))
        .service(post(models::LOAD_PATH, web::post().to(models::load)))
        .service(post(models::UNLOAD_PATH, web::post().to(models::unload)))
        .service(
            web::resource(models::pin::PATH)
                .route(web::put().to(models::pin::pin))
                .route(web::delete().to(models::pin::unpin))
                .default_service(web::to(async || only("DELETE, PUT"))),
        )
        .service(
            web::resource(models::promotions::LIST_PATH)
                .route(web::post().to(models::promotions::create))
                .route(reading().to(models::promotions::list))
                .default_service(web::to(async || only("GET, HEAD, POST"))),
        )
        .service(
            web::resource(models::promotions::ONE_PATH)
                .route(web::delete().to(models::promotions::cancel))
                .route(reading().to(models::promotions::one))
                .default_service(web::to(async || only("GET, HEAD, DELETE"))),
        )
        .service(get(health::LIVE_PATH, reading().to(health::live)))
        .service(get(health::READY_PATH, reading().to(health::ready)))
        .service(get(metrics::PATH, reading().to(metrics::metrics)))
        .configure(oip::configure)
        .service(get(openapi::PATH, reading().to(openapi::serve)))
        .service(get(web_ui::PATH, reading().to(web_ui::index)))
        .service(get(web_ui::FILES_PATH, reading().to(web_ui::file)))
        .service(web::redirect("/docs", "/docs/"))
        .service(
            web::scope("/docs")
                .wrap(headers(web_ui::policy(web_ui::DOCS_POLICY)))
                .service(SwaggerUi::new("/{file:.*}").config(Config::from(openapi::PATH))),
        );
}

/// Headers that every answer below a path has.
fn headers(headers: [(HeaderName, &'static str); 3]) -> DefaultHeaders {
    headers.into_iter().fold(DefaultHeaders::new(), DefaultHeaders::add)
}

/// A path that is read.
fn get(path: &str, route: Route) -> Resource {
    web::resource(path).route(route).default_service(web::to(async || only("GET, HEAD")))
}

/// A path that is written.
fn post(path: &str, route: Route) -> Resource {
    web::resource(path).route(route).default_service(web::to(async || only("POST")))
}

/// A route for GET and for HEAD, whose answer is the same without its body.
pub fn reading() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// The answer of a path to methods that it does not know.
///
/// # Errors
/// Always: 405 with `allow` in its header.
pub fn only(allow: &'static str) -> Result<actix_web::HttpResponse, ApiError> {
    Err(ApiError::method_not_allowed(allow))
}

pub(super) async fn not_found(request: HttpRequest) -> Result<actix_web::HttpResponse, ApiError> {
    let detail = format!("there is nothing at {}; /docs tells what there is", request.path());
    Err(ApiError::new(Code::NotFound, detail))
}
