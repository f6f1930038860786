//! The HTTP transport: routes, limits, errors and the OpenAPI document. Only `startup` calls into it.

mod authorize;
mod connection;
mod connections;
mod cors;
mod endpoint;
pub mod error;
mod extract;
mod headers;
pub mod middleware;
mod openapi;
mod response;
pub mod routes;
mod served_routes;

use std::{collections::BTreeSet, sync::LazyLock, time::Duration};

use actix_web::web;
use utoipa::openapi::OpenApi;

pub use self::{
    connection::{TimeLimits, service},
    connections::Connections,
    cors::cors,
    error::ApiError,
    response::ReportFormat,
    served_routes::ServedRoutes,
};
use crate::metrics::Metrics;

/// Minimum value of `Retry-After`.
const MIN_RETRY: Duration = Duration::from_secs(1);

/// Adds the routes of a listener. Errors of extractors get the error bodies of the API too.
pub fn configure(served: ServedRoutes, config: &mut web::ServiceConfig) {
    let mut endpoints = routes::endpoints();
    endpoints.retain(|endpoint| served.contains(endpoint.access()));
    if served.other {
        routes::documentation::configure(config);
    }
    config
        .app_data(web::QueryConfig::default().error_handler(|e, _| ApiError::from(e).into()))
        .app_data(web::PathConfig::default().error_handler(|e, _| ApiError::from(e).into()))
        .configure(|config| endpoint::register(&endpoints, config))
        .default_service(web::to(routes::not_found));
}

/// Returns the OpenAPI document.
pub fn openapi() -> &'static OpenApi {
    static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(|| openapi::document(&routes::endpoints()));
    &DOCUMENT
}

/// Returns whether requests of a path pattern are logged at the level DEBUG instead of INFO.
fn is_logged_at_debug(pattern: &str) -> bool {
    static PATTERNS: LazyLock<BTreeSet<String>> =
        LazyLock::new(|| endpoint::logged_at_debug(&routes::endpoints()));
    PATTERNS.contains(pattern)
}

/// Creates the metrics of every route with the value 0.
pub fn init_metrics(metrics: &Metrics) {
    endpoint::init_metrics(&routes::endpoints(), metrics);
}
