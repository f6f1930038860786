//! Builds the server from its parts, runs it, and shuts it down without losing a request.

mod listen;
mod signals;

use std::{
    cell::Cell,
    io,
    net::{SocketAddr, TcpListener},
    pin::pin,
    sync::Arc,
    time::Instant,
};

use actix_web::{dev::Server, web};
use mien_faces::dataset::DatasetError;
use tokio::sync::oneshot;

use self::signals::Signals;

use crate::{
    auth::AdminAuth,
    batching::RetiredWorkers,
    evaluation::{Datasets, Evaluations},
    grpc,
    http::{self, InFlight, State},
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
    state: web::Data<State>,
    started: StartupReceiver,
    drain: DrainSettings,
}

impl Application {
    /// Binds the addresses and starts to load the models on a thread of their own. Requests are processed once the server runs; it
    /// is ready when the default model is loaded.
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
        // Bound first, because it fails fast.
        let listener = TcpListener::bind(addr).map_err(listen)?;
        let port = listener.local_addr().map_err(listen)?.port();
        let grpc = settings.grpc.grpc_addr.map(bind_grpc).transpose()?;
        for listener in [Some(&listener), grpc.as_ref()].into_iter().flatten() {
            listen::set_tcp_user_timeout(listener, settings.connections.keep_alive)?;
        }

        let metrics = Arc::new(Metrics::new());
        http::routes::init_metrics(&metrics);
        grpc::init_metrics(&metrics);
        let sources = settings
            .data
            .iter()
            .map(|source| (source.name.clone(), source.path.clone()));
        let datasets = Arc::new(Datasets::open(sources)?);
        let store = match &settings.state.place {
            StateLocation::Directory(folder) => Store::open(folder)?,
            StateLocation::Memory => Store::memory()?,
        };
        let keep = settings.state.evaluation_retention;
        let mut lifecycle = settings.models.lifecycle()?;
        lifecycle.pins = promotion::pins(&store)?;
        let evaluations =
            Evaluations::open(Arc::clone(&datasets), Arc::clone(&metrics), store, keep)?;
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
        let state = State::new(
            Arc::new(registry),
            metrics,
            datasets,
            Arc::new(evaluations),
            AdminAuth::new(settings.admin.admin_token.clone(), addr),
            settings.limits.clone(),
            InFlight::at_most(connections),
        );
        let state = web::Data::new(state);
        let drain_timeout = settings.drain.drain_timeout;
        let server = listen::http(
            &state,
            listener,
            &settings.connections,
            connections,
            drain_timeout,
        )?;
        let grpc = grpc
            .map(|listener| listen::grpc(&state, listener, settings, connections))
            .transpose()?;
        Ok(Self {
            server,
            port,
            grpc,
            state,
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
        Arc::clone(&self.state.registry)
    }

    /// Serves until SIGTERM or SIGINT and returns after the last response. A second signal ends the process at once, like SIGKILL.
    ///
    /// # Errors
    /// Returns an error if no model can be served, the signal handlers cannot be set, or the server fails.
    pub async fn run_until_stopped(self) -> Result<(), StartupError> {
        let mut signals = Signals::catch()?;
        let (stop, stopped) = oneshot::channel();
        let forced = async {
            let name = signals.next().await;
            tracing::info!(
                signal = name,
                "shutting down; a second signal ends the process at once"
            );
            let _ = stop.send(());
            signals.next().await
        };
        tokio::select! {
            ended = self.run_until(async { drop(stopped.await) }) => ended,
            name = forced => {
                tracing::warn!(signal = name, "second signal: process ends, pending requests are lost");
                signals::end_at_once()
            }
        }
    }

    /// Serves until `stop` and returns after the last response. First readiness turns false and evaluations are cancelled. After
    /// `drain_delay` the listeners close, and each connection closes after its response, at most `drain_timeout` later.
    ///
    /// # Errors
    /// Returns an error if no model can be served or the server fails.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<(), StartupError> {
        tracing::info!(port = self.port, grpc_port = self.grpc_port(), "listening");
        let Self {
            server,
            state,
            started,
            drain,
            grpc,
            port,
        } = self;
        let handle = server.handle();
        let last = Cell::new(None);
        let mut shutdown = pin!(async {
            stop.await;
            state.start_draining();
            state.promotions.shut_down();
            state.evaluations.shut_down();
            tokio::time::sleep(drain.drain_delay).await;
            let end = Instant::now() + drain.drain_timeout;
            last.set(Some(end));
            state.in_flight.close();
            let stopped = handle.stop(true);
            let http_ended = async {
                // Idle HTTP/2 connections would otherwise block the listener threads until the timeout.
                tokio::select! {
                    () = stopped => {}
                    () = state.in_flight.answered() => {}
                }
            };
            let grpc_ended = async {
                if let Some(grpc) = grpc {
                    grpc.stop(end).await;
                }
            };
            tokio::join!(http_ended, grpc_ended);
        });
        let ended = tokio::select! {
            served = server => {
                // HTTP ended first; gRPC calls may still be pending.
                if last.get().is_some() {
                    shutdown.await;
                }
                served.map_err(StartupError::from)
            }
            () = &mut shutdown => Ok(()),
            error = await_models(started, &state, port) => Err(error),
        };
        // Their results are saved first, which takes as long as a write or the load of a candidate.
        state.promotions.shut_down();
        state.evaluations.shut_down();
        let last = last
            .get()
            .unwrap_or_else(|| Instant::now() + drain.drain_timeout);
        let ends = async { tokio::join!(state.promotions.ended(), state.evaluations.ended()) };
        if tokio::time::timeout_at(last.into(), ends).await.is_err() {
            tracing::warn!("evaluations or promotions did not end within --drain-timeout");
        }
        // In any case, the process must not exit while ONNX Runtime runs.
        let registry = Arc::clone(&state.registry);
        if !run_until_deadline(last, move || registry.shut_down()).await {
            tracing::warn!("workers did not finish within --drain-timeout");
        }
        ended?;
        tracing::info!("stopped");
        Ok(())
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

/// Waits for the models; returns only if none can be served.
async fn await_models(started: StartupReceiver, state: &State, port: u16) -> StartupError {
    match started.await {
        Ok(Ok(())) => tracing::info!(port, "serving"),
        Ok(Err(error)) => return error.into(),
        Err(_) if !state.draining() => return StartupError::LoadingCrashed,
        // The server was stopped before the default model was loaded.
        Err(_) => {}
    }
    std::future::pending().await
}

/// Runs `work` on a thread of its own and returns whether it ended before `until`.
async fn run_until_deadline(until: Instant, work: impl FnOnce() + Send + 'static) -> bool {
    let (done, ended) = oneshot::channel();
    // A blocking task of the runtime would delay the end of the program.
    std::thread::spawn(move || {
        work();
        let _ = done.send(());
    });
    tokio::time::timeout_at(until.into(), ended).await.is_ok()
}
