//! The HTTP transport: routes, limits, errors and the OpenAPI document. Only `startup` calls into it.

mod access_log;
mod admin;
mod admin_responses;
mod body;
mod compression;
mod deadline;
mod disconnect;
pub mod error;
mod image_error;
mod images;
mod in_flight;
pub mod middleware;
mod negotiation;
pub mod openapi;
pub mod report_format;
pub mod routes;
pub mod server_timing;
pub(crate) mod upload;
mod version;

use std::{sync::Arc, time::Duration};

use actix_web::web;
use tokio::sync::Semaphore;

pub use self::{admin::Admin, error::ApiError, in_flight::InFlight};
use crate::{
    auth::AdminAuth,
    evaluation::{Datasets, Evaluations},
    intake::decoder::Decoder,
    intake::memory_limit::BodyMemoryLimit,
    metrics::Metrics,
    models::registry::Registry,
    oip,
    promotion::Promotions,
    readiness::Readiness,
    settings::LimitSettings,
};

/// Maximum number of reports and comparisons that are rendered at once, because each holds the predictions and images of
/// whole evaluations.
const REPORTS: usize = 2;

/// The state that all handlers share.
pub struct State {
    /// The models.
    pub registry: Arc<Registry>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// The data sets for evaluations.
    pub datasets: Arc<Datasets>,
    /// The evaluations.
    pub evaluations: Arc<Evaluations>,
    /// The promotions and pins.
    pub promotions: Arc<Promotions>,
    /// Authorization of admin requests.
    pub gate: AdminAuth,
    /// Limits of requests.
    pub limits: LimitSettings,
    /// Decodes images to faces.
    pub decoder: Arc<Decoder>,
    /// Memory limit of all bodies together.
    pub bodies: BodyMemoryLimit,
    /// One permit per concurrent explanation.
    pub explanations: Semaphore,
    /// One permit per report or comparison that is rendered at once; further ones wait.
    pub reports: Semaphore,
    /// The pending requests.
    pub in_flight: InFlight,
    /// The status for health checks.
    pub readiness: Arc<Readiness>,
    /// The Open Inference Protocol v2.
    pub v2: Arc<oip::Service>,
}

impl State {
    /// Creates the state of a server. Promotions run on the Tokio runtime of the caller.
    ///
    /// # Panics
    /// Panics outside of a Tokio runtime.
    pub fn new(
        registry: Arc<Registry>,
        metrics: Arc<Metrics>,
        datasets: Arc<Datasets>,
        evaluations: Arc<Evaluations>,
        gate: AdminAuth,
        limits: LimitSettings,
        in_flight: InFlight,
    ) -> Self {
        let decoder = Arc::new(Decoder::new(limits.max_pixels));
        let bodies = BodyMemoryLimit::new(limits.max_body_memory);
        let explanations = Semaphore::new(limits.max_explanations.get());
        let readiness = Arc::new(Readiness::new(Arc::clone(&registry)));
        let v2 = oip::Service::new(Arc::clone(&registry), Arc::clone(&decoder), limits.clone());
        let v2 = Arc::new(v2);
        let promotions = Promotions::new(
            Arc::clone(&registry),
            Arc::clone(&evaluations),
            Arc::clone(&metrics),
        );
        let promotions = Arc::new(promotions);
        Self {
            registry,
            metrics,
            datasets,
            evaluations,
            promotions,
            gate,
            limits,
            decoder,
            bodies,
            explanations,
            reports: Semaphore::new(REPORTS),
            in_flight,
            readiness,
            v2,
        }
    }

    /// Makes `/health/ready` return 503 and connections close after their response.
    pub fn start_draining(&self) {
        self.readiness.start_draining();
    }

    /// Returns whether the server is stopping.
    pub fn draining(&self) -> bool {
        self.readiness.draining()
    }
}

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
