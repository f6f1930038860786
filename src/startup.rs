//! Builds the server from its parts, runs it, and shuts it down without losing a request.

mod backlog;
mod credentials;
mod end;
mod error;
mod listen;
mod loader;
mod reload;
mod run;
mod serve;
mod signals;
mod sockets;

use std::{io, path::Path, sync::Arc};

use actix_web::dev::Server;

use self::{
    backlog::Backlog,
    listen::Shared,
    reload::Reload,
    sockets::{Addresses, Sockets},
};
pub use self::{error::StartupError, serve::serve};
use crate::{
    app::AppState,
    detection::{DetectorLimits, FaceDetector},
    drift::Monitors,
    evaluation::{Datasets, Evaluations},
    grpc,
    http::{self, Connections},
    inference::runtime::Runtime,
    metrics::Metrics,
    models::{StartupReceiver, registry::Registry},
    promotion,
    settings::{DetectorChoice, DrainSettings, DriftMode, Settings, StateLocation},
    store::Store,
    traces::Traces,
};

/// A server that is ready to run.
pub struct Application {
    /// One server per HTTP listener.
    servers: Vec<Server>,
    addresses: Addresses,
    /// `https` with TLS, otherwise `http`.
    scheme: &'static str,
    grpc: Option<grpc::Server>,
    app: Arc<AppState>,
    connections: Arc<Connections>,
    backlogs: Vec<Backlog>,
    reloads: Vec<Reload>,
    started: StartupReceiver,
    drain: DrainSettings,
}

impl Application {
    /// Binds the addresses and starts to load the models on a thread of their own. Requests are processed once the server runs. The
    /// server is ready when the default model is loaded.
    ///
    /// # Errors
    /// Returns an error for invalid settings, an unavailable address, or if ONNX Runtime or the models cannot be used.
    pub fn build(settings: &Settings) -> Result<Self, StartupError> {
        settings.validate()?;
        // The addresses are bound first, because a failed bind is detected fast. Clients wait in the backlog until the server runs.
        let (sockets, addresses) = Sockets::bind(settings)?;
        let backlogs = sockets.backlogs()?;
        let metrics = metrics();
        let mut reloads = Vec::new();
        let keys = credentials::keys(settings, &metrics, &mut reloads)?;
        let tls = credentials::tls(settings, &metrics, &mut reloads)?;
        let (app, started) = load(settings, metrics)?;
        let app = Arc::new(app);
        let connections = Arc::default();
        let shared = Shared {
            app: &app,
            settings,
            keys: keys.as_ref(),
            tls: tls.as_ref(),
            max_connections: listen::max_connections(settings),
        };
        let servers = sockets.http.into_iter();
        let servers = servers.map(|listener| shared.http(&connections, listener));
        let servers = servers.collect::<io::Result<_>>()?;
        let grpc = sockets.grpc.map(|listener| shared.grpc(listener));
        let grpc = grpc.transpose()?;
        Ok(Self {
            servers,
            addresses,
            scheme: settings.scheme(),
            grpc,
            app,
            connections,
            backlogs,
            reloads,
            started,
            drain: settings.drain.clone(),
        })
    }

    /// Returns the HTTP port.
    pub fn port(&self) -> u16 {
        self.addresses.main.port()
    }

    /// Returns the port of `--admin-addr`.
    pub fn admin_port(&self) -> Option<u16> {
        self.addresses.admin.map(|address| address.port())
    }

    /// Returns the port of `--metrics-addr`.
    pub fn metrics_port(&self) -> Option<u16> {
        self.addresses.metrics.map(|address| address.port())
    }

    /// Returns the gRPC port if gRPC is enabled.
    pub fn grpc_port(&self) -> Option<u16> {
        self.grpc.as_ref().map(grpc::Server::port)
    }

    /// Returns the registry of models.
    pub fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.app.registry)
    }
}

/// Creates the metrics with the series of all routes and calls.
fn metrics() -> Arc<Metrics> {
    let metrics = Arc::new(Metrics::new());
    http::init_metrics(&metrics);
    grpc::init_metrics(&metrics);
    metrics
}

/// Opens data sets, stored state and ONNX Runtime, and starts to load the models.
fn load(
    settings: &Settings,
    metrics: Arc<Metrics>,
) -> Result<(AppState, StartupReceiver), StartupError> {
    let sources = settings.data.iter();
    let sources = sources.map(|source| (source.name.clone(), source.path.clone()));
    let datasets = Arc::new(Datasets::open(sources)?);
    let store = match &settings.state.location {
        StateLocation::Directory(directory) => Store::open(directory)?,
        StateLocation::Memory => Store::memory()?,
    };
    let mut lifecycle = settings.models.lifecycle()?;
    lifecycle.pins = promotion::pins(&store)?;
    let drift = (settings.drift.drift == DriftMode::On).then(|| {
        let window = settings.drift.drift_window;
        Arc::new(Monitors::new(store.clone(), Arc::clone(&metrics), window))
    });
    let evaluations = Evaluations::open(
        Arc::clone(&datasets),
        Arc::clone(&metrics),
        store,
        settings.state.evaluation_retention,
        drift.clone(),
    )?;
    let loader = loader::loader(settings, &metrics, drift)?;
    let runtime = loader.runtime.clone();
    let traces = traces(settings, &metrics)?;
    let (registry, started) = Registry::start(lifecycle, loader)?;
    // The default model is loaded at the same time.
    let detector = detector(settings, &runtime, &metrics)?;
    let detector = detector.map(Arc::new);
    if let Some(detector) = &detector {
        registry.tune(Arc::clone(detector) as _);
    }
    let mut app = AppState::new(
        Arc::new(registry),
        metrics,
        datasets,
        Arc::new(evaluations),
        detector,
        settings.limits.clone(),
    );
    app.traces = traces;
    app.start_shadows(&settings.shadow);
    app.notice = settings.web.notice.clone();
    Ok((app, started))
}

/// Starts the export of traces, if the settings have a collector.
fn traces(settings: &Settings, metrics: &Metrics) -> Result<Option<Arc<Traces>>, StartupError> {
    let Some(options) = settings.traces.options()? else {
        return Ok(None);
    };
    let scheme = settings.scheme();
    let traces = Traces::start(&options, scheme, metrics.spans.counters())?;
    Ok(Some(Arc::new(traces)))
}

/// Starts the face detector, if there is a file.
///
/// # Errors
/// Returns an error if the file in the settings cannot be used. The problem of an installed file is only logged.
fn detector(
    settings: &Settings,
    runtime: &Runtime,
    metrics: &Metrics,
) -> Result<Option<FaceDetector>, StartupError> {
    let start = |path: &Path| {
        let limits = DetectorLimits {
            max_queue_size: settings.serving_options().max_queue_size,
            max_faces: settings.detection.max_faces.get(),
        };
        FaceDetector::start(runtime, path, limits, metrics)
    };
    match &settings.detection.detector {
        Some(DetectorChoice::Off) => return Ok(None),
        Some(DetectorChoice::File(path)) => {
            return start(path).map(Some).map_err(StartupError::Detector);
        }
        None => {}
    }
    let Some(path) = FaceDetector::installed_file() else {
        tracing::info!("the face detector is not installed; `cargo xtask setup` installs it");
        return Ok(None);
    };
    let detector = start(&path);
    if let Err(error) = &detector {
        tracing::warn!(%error, "cannot use the installed face detector");
    }
    Ok(detector.ok())
}
