//! The HTTP transport: routes, limits, errors and the OpenAPI document. Only `startup` calls into it.

mod admin_responses;
pub mod error;
mod extract;
mod headers;
pub mod middleware;
pub mod openapi;
mod response;
pub mod routes;

use std::time::Duration;

use actix_web::web;

pub use self::{error::ApiError, extract::Admin, middleware::InFlight, response::ReportFormat};

/// Maximum size of JSON bodies of routes without images, in bytes.
const SMALL_JSON: usize = 64 << 10;

/// Minimum value of `Retry-After`.
const MIN_RETRY: Duration = Duration::from_secs(1);

/// Adds every route. Errors of extractors get the error bodies of the API too.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .app_data(web::QueryConfig::default().error_handler(|e, _| ApiError::from(e).into()))
        .app_data(web::PathConfig::default().error_handler(|e, _| ApiError::from(e).into()))
        .app_data(
            web::JsonConfig::default()
                .limit(SMALL_JSON)
                .error_handler(|e, _| ApiError::from(e).into()),
        )
        .configure(routes::configure)
        .default_service(web::to(routes::not_found));
}
