//! Wires everything, runs it, and takes it down without losing a request.

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
    models::{RegistryError, Started, load::ModelLoader, registry::Registry},
    promotion,
    settings::{DrainSettings, Settings, SettingsError, StateLocation},
    store::{Store, StoreError},
    tuning::Tuner,
};

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartupError {
    /// Settings contradict each other.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The address cannot be had.
    #[error("cannot listen on {addr}; name another address with {flag}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// The flag that names it.
        flag: &'static str,
        /// Why.
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
    /// There is nothing to serve.
    #[error(transparent)]
    Models(#[from] RegistryError),
    /// The thread that loads the models ended without a word.
    #[error("loading the models crashed; see the log")]
    LoadingCrashed,
    /// The server's threads or signal handlers cannot be set up.
    #[error("the server cannot be set up")]
    Server(#[from] io::Error),
}

/// A server that is ready to run.
pub struct Application {
    server: Server,
    port: u16,
    grpc: Option<grpc::Server>,
    state: web::Data<State>,
    started: Started,
    drain: DrainSettings,
}

impl Application {
    /// Listens, and starts to load the models on a thread of their own. Requests are answered once it runs; it is
    /// ready as soon as the default model serves.
    ///
    /// # Errors
    /// When a setting, the address, ONNX Runtime or the models stand against it.
    pub fn build(settings: &Settings) -> Result<Self, StartupError> {
        settings.validate()?;
        let addr = settings.addr;
        let listen = |source| StartupError::Listen { addr, flag: "--addr", source };
        // First, for it is quick to fail.
        let listener = TcpListener::bind(addr).map_err(listen)?;
        let port = listener.local_addr().map_err(listen)?.port();
        let grpc = settings.grpc.grpc_addr.map(bind_grpc).transpose()?;
        for listener in [Some(&listener), grpc.as_ref()].into_iter().flatten() {
            listen::set_tcp_user_timeout(listener, settings.connections.keep_alive)?;
        }

        let metrics = Arc::new(Metrics::new());
        http::routes::init_metrics(&metrics);
        grpc::init_metrics(&metrics);
        let sources = settings.data.iter().map(|source| (source.name.clone(), source.path.clone()));
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
        let leaving = RetiredWorkers::default();
        let loader = ModelLoader { runtime, options, tuner, metrics: metrics_of_models, leaving };
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
        let server =
            listen::http(&state, listener, &settings.connections, connections, drain_timeout)?;
        let grpc = grpc
            .map(|listener| listen::grpc(&state, listener, settings, connections))
            .transpose()?;
        Ok(Self { server, port, grpc, state, started, drain: settings.drain.clone() })
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port that it listens on for gRPC, where it does.
    pub fn grpc_port(&self) -> Option<u16> {
        self.grpc.as_ref().map(grpc::Server::port)
    }

    /// The models that it serves.
    pub fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.state.registry)
    }

    /// Serves until SIGTERM or SIGINT and returns when the last request is answered. A second signal ends the process at
    /// once, as SIGKILL does.
    ///
    /// # Errors
    /// When there is nothing to serve, the signal handlers cannot be set or the server fails.
    pub async fn run_until_stopped(self) -> Result<(), StartupError> {
        let mut signals = Signals::catch()?;
        let (stop, stopped) = oneshot::channel();
        let forced = async {
            let name = signals.next().await;
            tracing::info!("{name}: shutting down; a second signal ends the server at once");
            let _ = stop.send(());
            signals.next().await
        };
        tokio::select! {
            ended = self.run_until(async { drop(stopped.await) }) => ended,
            name = forced => {
                tracing::warn!("{name} again: ended at once, requests in flight are lost");
                signals::end_at_once()
            }
        }
    }

    /// Serves until `stop` and returns when the last request is answered: readiness goes first and
    /// evaluations are cancelled, then after `drain_delay` the listener, then each connection after
    /// its answer, at most `drain_timeout` later.
    ///
    /// # Errors
    /// When there is nothing to serve, or the server fails.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<(), StartupError> {
        tracing::info!(port = self.port, grpc_port = self.grpc_port(), "listening");
        let Self { server, state, started, drain, grpc, port } = self;
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
                // Idle connections of HTTP/2 would keep the listener's threads up to the end of the time.
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
                // HTTP has ended before gRPC, where calls may still be answered.
                if last.get().is_some() {
                    shutdown.await;
                }
                served.map_err(StartupError::from)
            }
            () = &mut shutdown => Ok(()),
            error = await_models(started, &state, port) => Err(error),
        };
        // So that their ends are kept; they take no longer than a write, and where a candidate is being loaded than that.
        state.promotions.shut_down();
        state.evaluations.shut_down();
        let last = last.get().unwrap_or_else(|| Instant::now() + drain.drain_timeout);
        let ends = async { tokio::join!(state.promotions.ended(), state.evaluations.ended()) };
        if tokio::time::timeout_at(last.into(), ends).await.is_err() {
            tracing::warn!("evaluations or promotions did not end within --drain-timeout");
        }
        // However it ended: nothing may run in ONNX Runtime when the process goes.
        let registry = Arc::clone(&state.registry);
        if !run_until_deadline(last, move || registry.shut_down()).await {
            tracing::warn!("the models' workers did not finish within --drain-timeout");
        }
        ended?;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Takes the address for gRPC; clients wait in its backlog until the server starts.
fn bind_grpc(addr: SocketAddr) -> Result<TcpListener, StartupError> {
    let bound = TcpListener::bind(addr);
    bound.map_err(|source| StartupError::Listen { addr, flag: "--grpc-addr", source })
}

/// Waits for the models; ends only where there is nothing to serve.
async fn await_models(started: Started, state: &State, port: u16) -> StartupError {
    match started.await {
        Ok(Ok(())) => tracing::info!(port, "serving"),
        Ok(Err(error)) => return error.into(),
        Err(_) if !state.draining() => return StartupError::LoadingCrashed,
        // Told to stop before the default model served.
        Err(_) => {}
    }
    std::future::pending().await
}

/// Blocks a thread of its own until `work` has ended; false where that is not before `until`.
async fn run_until_deadline(until: Instant, work: impl FnOnce() + Send + 'static) -> bool {
    let (done, ended) = oneshot::channel();
    // No blocking task of the runtime: the runtime would wait for it when the program ends.
    std::thread::spawn(move || {
        work();
        let _ = done.send(());
    });
    tokio::time::timeout_at(until.into(), ended).await.is_ok()
}
