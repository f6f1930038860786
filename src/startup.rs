//! Builds the server from its parts, runs it, and shuts it down without losing a request.

mod listen;
mod run;
mod signals;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
};

use actix_web::dev::Server;
use mien_faces::dataset::DatasetError;

use crate::{
    app::AppState,
    batching::RetiredWorkers,
    evaluation::{Datasets, Evaluations},
    grpc,
    http::{self, InFlight},
    inference::{InferenceError, runtime::Runtime},
    metrics::Metrics,
    models::{RegistryError, StartupReceiver, load::ModelLoader, registry::Registry},
    promotion,
    settings::{DrainSettings, Settings, SettingsError, StateLocation},
    store::{Store, StoreError},
    tuning::Tuner,
};

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartupError {
    /// The settings are inconsistent.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The address is not available.
    #[error("cannot listen on {addr}; choose another address with {flag}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// The flag of the address.
        flag: &'static str,
        /// Error of the operating system.
        source: io::Error,
    },
    /// A data set cannot be read.
    #[error(transparent)]
    Data(#[from] DatasetError),
    /// The state cannot be used.
    #[error(transparent)]
    State(#[from] StoreError),
    /// ONNX Runtime or the device cannot be used.
    #[error(transparent)]
    Runtime(#[from] InferenceError),
    /// The models cannot be served.
    #[error(transparent)]
    Models(#[from] RegistryError),
    /// The thread that loads the models panicked.
    #[error("loading the models crashed; see the log")]
    LoadingCrashed,
    /// Threads or signal handlers cannot be created.
    #[error("cannot create the threads or signal handlers of the server")]
    Server(#[from] io::Error),
}

/// A server that is ready to run.
pub struct Application {
    server: Server,
    port: u16,
    grpc: Option<grpc::Server>,
    app: Arc<AppState>,
    in_flight: Arc<InFlight>,
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
        let addr = settings.addr;
        let listen = |source| StartupError::Listen {
            addr,
            flag: "--addr",
            source,
        };
        // The address is bound first, because a failed bind is detected fast.
        let listener = TcpListener::bind(addr).map_err(listen)?;
        let port = listener.local_addr().map_err(listen)?.port();
        let grpc = settings.grpc.grpc_addr.map(bind_grpc).transpose()?;
        for listener in [Some(&listener), grpc.as_ref()].into_iter().flatten() {
            listen::set_tcp_user_timeout(listener, settings.connections.keep_alive)?;
        }

        let metrics = Arc::new(Metrics::new());
        http::init_metrics(&metrics);
        grpc::init_metrics(&metrics);
        let sources = settings
            .data
            .iter()
            .map(|source| (source.name.clone(), source.path.clone()));
        let datasets = Arc::new(Datasets::open(sources)?);
        let store = match &settings.state.location {
            StateLocation::Directory(folder) => Store::open(folder)?,
            StateLocation::Memory => Store::memory()?,
        };
        let retention = settings.state.evaluation_retention;
        let mut lifecycle = settings.models.lifecycle()?;
        lifecycle.pins = promotion::pins(&store)?;
        let evaluations = Evaluations::open(
            Arc::clone(&datasets),
            Arc::clone(&metrics),
            store,
            retention,
        )?;
        let runtime = Runtime::load(settings.models.device, settings.cuda.options())?;
        let (options, metrics_of_models) = (settings.serving(), Arc::clone(&metrics));
        let tuner = Tuner::new(settings.tuning.options());
        let retired_workers = RetiredWorkers::default();
        let loader = ModelLoader {
            runtime,
            options,
            tuner,
            metrics: metrics_of_models,
            retired_workers,
        };
        let (registry, started) = Registry::start(lifecycle, loader)?;
        let connections = listen::connections(settings);
        let app = Arc::new(AppState::new(
            Arc::new(registry),
            metrics,
            datasets,
            Arc::new(evaluations),
            settings.limits.clone(),
        ));
        let in_flight = Arc::new(InFlight::at_most(connections));
        let server = listen::http(&app, &in_flight, listener, settings, connections)?;
        let grpc = grpc
            .map(|listener| listen::grpc(&app, listener, settings, connections))
            .transpose()?;
        Ok(Self {
            server,
            port,
            grpc,
            app,
            in_flight,
            started,
            drain: settings.drain.clone(),
        })
    }

    /// Returns the HTTP port.
    pub fn port(&self) -> u16 {
        self.port
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

/// Binds the gRPC address. Clients wait in its backlog until the server starts.
fn bind_grpc(addr: SocketAddr) -> Result<TcpListener, StartupError> {
    let bound = TcpListener::bind(addr);
    bound.map_err(|source| StartupError::Listen {
        addr,
        flag: "--grpc-addr",
        source,
    })
}
