//! The application: the state that the HTTP and gRPC transports share. `startup` builds it, and handlers use it.

pub mod readiness;

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tokio::sync::Semaphore;

use self::readiness::Readiness;
use crate::{
    detection::FaceDetector,
    evaluation::{Datasets, Evaluations},
    intake::Intake,
    metrics::Metrics,
    models::registry::Registry,
    notice::Notice,
    oip,
    promotion::Promotions,
    settings::{LimitSettings, ShadowSettings},
    shadow::Shadows,
    traces::Traces,
};

/// Maximum number of reports and comparisons that are rendered at once, because each holds the predictions and images of
/// whole evaluations.
const MAX_REPORTS: usize = 2;

/// The state that all handlers share.
pub struct AppState {
    /// The models.
    pub registry: Arc<Registry>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// The data sets for evaluations.
    pub datasets: Arc<Datasets>,
    /// The face detector, if it is installed.
    pub detector: Option<Arc<FaceDetector>>,
    /// The evaluations.
    pub evaluations: Arc<Evaluations>,
    /// The promotions and pins.
    pub promotions: Promotions,
    /// The shadows.
    pub shadows: Shadows,
    /// Share of the images that a shadow copies unless its request sets another share.
    pub shadow_share: f64,
    /// Limits of requests.
    pub limits: Arc<LimitSettings>,
    /// Reads bodies and decodes images.
    pub intake: Intake,
    /// One permit per concurrent explanation.
    pub explanations: Semaphore,
    /// One permit per open connection of `/v1/live`.
    pub live_connections: Arc<Semaphore>,
    /// One permit per report or comparison that is rendered at once; further ones wait.
    pub reports: Semaphore,
    /// The status for health checks.
    pub readiness: Arc<Readiness>,
    /// The Open Inference Protocol v2.
    pub oip: Arc<oip::Service>,
    /// The notice of the operator.
    pub notice: Option<Notice>,
    /// The API document with the notice, after the first request for it.
    pub document_with_notice: OnceLock<Bytes>,
    /// The traces of requests; `None` if they are not exported.
    pub traces: Option<Arc<Traces>>,
}

impl AppState {
    /// Creates the state of a server without traces and a notice. Promotions and shadows run on the Tokio runtime of the caller.
    ///
    /// # Panics
    /// Panics outside of a Tokio runtime.
    pub fn new(
        registry: Arc<Registry>,
        metrics: Arc<Metrics>,
        datasets: Arc<Datasets>,
        evaluations: Arc<Evaluations>,
        detector: Option<Arc<FaceDetector>>,
        limits: LimitSettings,
    ) -> Self {
        let limits = Arc::new(limits);
        let intake = Intake::new(Arc::clone(&limits));
        let decoder = Arc::clone(&intake.decoder);
        let oip = oip::Service::new(Arc::clone(&registry), decoder, Arc::clone(&limits));
        let shadows = Shadows::new(Arc::clone(&registry), Arc::clone(&metrics));
        let promotions = Promotions::new(
            Arc::clone(&registry),
            Arc::clone(&evaluations),
            shadows.clone(),
            Arc::clone(&metrics),
        );
        Self {
            readiness: Arc::new(Readiness::new(Arc::clone(&registry))),
            explanations: Semaphore::new(limits.max_explanations.get()),
            live_connections: Arc::new(Semaphore::new(limits.max_live_connections.get())),
            reports: Semaphore::new(MAX_REPORTS),
            oip: Arc::new(oip),
            traces: None,
            registry,
            metrics,
            datasets,
            detector,
            evaluations,
            promotions,
            shadows,
            shadow_share: 1.0,
            limits,
            intake,
            notice: None,
            document_with_notice: OnceLock::new(),
        }
    }

    /// Starts the shadows of the settings when the models are loaded.
    pub fn start_shadows(&mut self, settings: &ShadowSettings) {
        self.shadow_share = settings.shadow_share;
        let specs = settings.shadow.clone();
        self.shadows.start_when_loaded(specs, self.shadow_share);
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
