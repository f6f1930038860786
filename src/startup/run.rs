//! Runs the server until it is stopped, and shuts it down without losing a request.

use std::{
    cell::Cell,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::dev::{Server, ServerHandle};
use futures_util::future::{join_all, try_join_all};
use tokio::sync::oneshot;

use super::{
    Application, StartupError,
    backlog::Backlog,
    end::{cancel_jobs, end_work, export_last_spans},
    reload,
    signals::{self, StopSignals},
};
use crate::{app::AppState, grpc, http::Connections, models::StartupReceiver, telemetry};

/// Time for the rest of incomplete bodies, and for the backlogs, after the server has begun to refuse connections.
const INCOMPLETE_GRACE: Duration = Duration::from_secs(5);

impl Application {
    /// Serves until SIGTERM or SIGINT and returns after the last response. A second signal ends the process at once, like SIGKILL.
    ///
    /// # Errors
    /// Returns an error if no model can be served, the signal handlers cannot be set, or the server fails.
    pub async fn run_until_stopped(self) -> Result<(), StartupError> {
        let mut signals = StopSignals::catch()?;
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
                // Waits for the reader of the log at most one second.
                telemetry::flush();
                signals::end_at_once()
            }
        }
    }

    /// Serves until `stop` and returns after the last response. First readiness turns false and evaluations are cancelled. After
    /// `drain_delay` new connections are refused. Idle connections close, and each other connection closes after its response, at
    /// most `drain_timeout` later. Requests whose body is still incomplete after five seconds are rejected.
    ///
    /// # Errors
    /// Returns an error if no model can be served or the server fails.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<(), StartupError> {
        let url = url(self.scheme, self.addresses.main);
        tracing::info!(
            %url,
            grpc_port = self.grpc_port(),
            admin_port = self.admin_port(),
            metrics_port = self.metrics_port(),
            "listening"
        );
        let Self {
            servers,
            app,
            connections,
            backlogs,
            reloads,
            started,
            drain,
            grpc,
            addresses: _,
            scheme: _,
        } = self;
        let handles: Vec<ServerHandle> = servers.iter().map(Server::handle).collect();
        let deadline = Cell::new(None);
        let mut shutdown = pin!(async {
            stop.await;
            app.start_draining();
            cancel_jobs(&app);
            tokio::time::sleep(drain.drain_delay).await;
            let end = Instant::now() + drain.drain_timeout;
            deadline.set(Some(end));
            let closing = close(&handles, &connections, backlogs, grpc, end);
            tokio::select! {
                () = closing => {}
                () = reject_incomplete(&app) => {}
            }
        });
        let result = tokio::select! {
            served = try_join_all(servers) => {
                // HTTP ended first; gRPC calls may still be pending.
                if deadline.get().is_some() {
                    shutdown.await;
                }
                served.map(drop).map_err(StartupError::from)
            }
            () = &mut shutdown => Ok(()),
            error = await_models(started, &app, &url) => Err(error),
            () = reload::watch(reloads, Arc::clone(&app.metrics)) => Ok(()),
        };
        let deadline = deadline
            .get()
            .unwrap_or_else(|| Instant::now() + drain.drain_timeout);
        end_work(&app, deadline).await;
        export_last_spans(&app).await;
        result?;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Returns the URL of the web UI and the API for a browser on this machine. Browsers cannot open an unspecified address.
fn url(scheme: &str, address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    format!("{scheme}://{}", SocketAddr::new(ip, address.port()))
}

/// Closes both transports and returns after their last response or at the deadline.
async fn close(
    servers: &[ServerHandle],
    connections: &Connections,
    backlogs: Vec<Backlog>,
    grpc: Option<grpc::Server>,
    deadline: Instant,
) {
    backlogs.iter().for_each(Backlog::refuse_connections);
    connections.close();
    let end = deadline.min(Instant::now() + INCOMPLETE_GRACE);
    join_all(backlogs.iter().map(|backlog| backlog.emptied(end.into()))).await;
    // The listeners close when both the server and the backlog are dropped.
    drop(backlogs);
    let stopped = join_all(servers.iter().map(|server| server.stop(true)));
    let http = async {
        // actix notices the end of the last connection up to a second later.
        tokio::select! {
            _ = stopped => {}
            () = connections.closed() => {}
            () = tokio::time::sleep_until(deadline.into()) => {
                tracing::warn!("HTTP requests did not finish within --drain-timeout");
            }
        }
    };
    let grpc = async {
        if let Some(grpc) = grpc {
            grpc.stop(deadline).await;
        }
    };
    tokio::join!(http, grpc);
}

/// Rejects the requests whose body is incomplete after a grace period. Never completes.
async fn reject_incomplete(app: &AppState) {
    tokio::time::sleep(INCOMPLETE_GRACE).await;
    app.intake.arrival.close();
    std::future::pending().await
}

/// Waits for the models; returns only if none can be served.
async fn await_models(started: StartupReceiver, app: &AppState, url: &str) -> StartupError {
    match started.await {
        Ok(Ok(())) => tracing::info!(%url, "serving"),
        Ok(Err(error)) => return error.into(),
        Err(_) if !app.draining() => return StartupError::LoadingCrashed,
        // The server was stopped before the default model was loaded.
        Err(_) => {}
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_of_unspecified_address_is_loopback() {
        for (address, expected) in [
            ("0.0.0.0:8080", "http://127.0.0.1:8080"),
            ("[::]:8080", "http://[::1]:8080"),
            ("192.0.2.1:80", "http://192.0.2.1:80"),
        ] {
            assert_eq!(url("http", address.parse().unwrap()), expected);
        }
    }
}
