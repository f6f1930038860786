//! The HTTP door: routes, limits, errors, OpenAPI. Only `startup` calls into it.

mod access_log;
mod admin;
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
mod upload;
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

/// Reports and comparisons that are written at once: each holds the predictions and pictures of whole evaluations.
const REPORTS: usize = 2;

/// What the handlers reservation.
pub struct State {
    /// The models.
    pub registry: Arc<Registry>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// The data sets that models can be evaluated on.
    pub datasets: Arc<Datasets>,
    /// The evaluations in the background.
    pub evaluations: Arc<Evaluations>,
    /// The promotions of versions, and the pins.
    pub promotions: Arc<Promotions>,
    /// Who may give orders.
    pub gate: AdminAuth,
    /// What a client may send.
    pub limits: LimitSettings,
    /// Turns bytes into faces, off the event loop.
    pub decoder: Arc<Decoder>,
    /// Bytes that bodies may take together.
    pub bodies: BodyMemoryLimit,
    /// A permit for each face that may be explained now.
    pub explanations: Semaphore,
    /// A permit for each report or comparison that may be written now; others wait for their turn.
    pub reports: Semaphore,
    /// The requests that are being answered.
    pub in_flight: InFlight,
    /// Whether requests should be sent here.
    pub readiness: Arc<Readiness>,
    /// The inference protocol v2.
    pub v2: Arc<oip::Service>,
}

impl State {
    /// The state of a server that is about to serve; promotions will run on the Tokio runtime of the caller.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
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
        let promotions =
            Promotions::new(Arc::clone(&registry), Arc::clone(&evaluations), Arc::clone(&metrics));
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

    /// From now on `/health/ready` says no and connections close after their answer.
    pub fn start_draining(&self) {
        self.readiness.start_draining();
    }

    /// Whether the server is about to stop.
    pub fn draining(&self) -> bool {
        self.readiness.draining()
    }
}

/// The largest JSON body of routes that take no picture, in bytes.
const SMALL_JSON: usize = 64 << 10;

/// How long clients that were refused should wait at least.
const MIN_RETRY: Duration = Duration::from_secs(1);

/// Adds every route, with the error bodies of the contract for whatever goes wrong in an extractor.
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
