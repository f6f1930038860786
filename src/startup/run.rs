//! Runs the server until it is stopped, and shuts it down without losing a request.

use std::{cell::Cell, pin::pin, sync::Arc, time::Instant};

use tokio::sync::oneshot;

use super::{
    Application, StartupError,
    signals::{self, Signals},
};
use crate::{app::AppState, models::StartupReceiver};

impl Application {
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
            app,
            in_flight,
            started,
            drain,
            grpc,
            port,
        } = self;
        let handle = server.handle();
        let deadline = Cell::new(None);
        let mut shutdown = pin!(async {
            stop.await;
            app.start_draining();
            app.promotions.shut_down();
            app.evaluations.shut_down();
            tokio::time::sleep(drain.drain_delay).await;
            let end = Instant::now() + drain.drain_timeout;
            deadline.set(Some(end));
            in_flight.close();
            let stopped = handle.stop(true);
            let http_ended = async {
                // Idle HTTP/2 connections would otherwise block the listener threads until the timeout.
                tokio::select! {
                    () = stopped => {}
                    () = in_flight.drained() => {}
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
                if deadline.get().is_some() {
                    shutdown.await;
                }
                served.map_err(StartupError::from)
            }
            () = &mut shutdown => Ok(()),
            error = await_models(started, &app, port) => Err(error),
        };
        // Waits until their results are saved, which takes as long as a write or the load of a candidate.
        app.promotions.shut_down();
        app.evaluations.shut_down();
        let deadline = deadline
            .get()
            .unwrap_or_else(|| Instant::now() + drain.drain_timeout);
        let ends = async { tokio::join!(app.promotions.ended(), app.evaluations.ended()) };
        if tokio::time::timeout_at(deadline.into(), ends)
            .await
            .is_err()
        {
            tracing::warn!("evaluations or promotions did not end within --drain-timeout");
        }
        // In any case, the process must not exit while ONNX Runtime runs.
        let registry = Arc::clone(&app.registry);
        if !run_until_deadline(deadline, move || registry.shut_down()).await {
            tracing::warn!("workers did not finish within --drain-timeout");
        }
        ended?;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Waits for the models; returns only if none can be served.
async fn await_models(started: StartupReceiver, app: &AppState, port: u16) -> StartupError {
    match started.await {
        Ok(Ok(())) => tracing::info!(port, "serving"),
        Ok(Err(error)) => return error.into(),
        Err(_) if !app.draining() => return StartupError::LoadingCrashed,
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
