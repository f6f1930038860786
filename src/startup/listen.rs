//! The listeners with their limits and middleware.

use std::{io, net::TcpListener, sync::Arc, time::Duration};

use actix_web::{App, HttpServer, dev::Server, middleware::from_fn, web};
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::{
    auth::AdminAuth,
    grpc,
    http::{self, State},
    settings::{ConnectionSettings, Settings},
};

/// Number of open files that are not connections: models, data sets, libraries, log, pipes.
const OTHER_FILES: u64 = 256;

/// Makes the system close connections of this listener whose client does not read its response for `time`. Accepted sockets
/// inherit the option.
pub(super) fn set_tcp_user_timeout(listener: &TcpListener, time: Duration) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        // The maximum of the system.
        let most = i32::MAX.unsigned_abs();
        let millis = u32::try_from(time.as_millis()).map_or(most, |millis| millis.min(most));
        rustix::net::sockopt::set_tcp_user_timeout(listener, millis)?;
    }
    let _ = (listener, time);
    Ok(())
}

/// Returns the maximum number of connections per listener: the setting, or its share of the limit of open files.
pub(super) fn connections(settings: &Settings) -> usize {
    let listeners = 1 + usize::from(settings.grpc.grpc_addr.is_some());
    let asked = settings.connections.max_connections.get();
    raise_nofile_limit(asked.saturating_mul(listeners)) / listeners
}

/// Starts the HTTP server: HTTP/1.1, and HTTP/2 with prior knowledge.
pub(super) fn http(
    state: &web::Data<State>,
    listener: TcpListener,
    settings: &ConnectionSettings,
    connections: usize,
    drain_timeout: Duration,
) -> io::Result<Server> {
    let cores = mien_host::cpu::available_cores();
    // Each thread counts its own connections; together they must not exceed the maximum.
    let threads = cores.min(connections);
    let shared = state.clone();
    let app = move || {
        App::new()
            .app_data(shared.clone())
            .configure(http::configure)
            .wrap(from_fn(http::middleware::observe))
    };
    let server = HttpServer::new(app)
        .workers(threads)
        .max_connections(connections / threads)
        .client_request_timeout(settings.header_timeout)
        .keep_alive(settings.keep_alive)
        // A client that closes its connection has disconnected: its request is dropped and its images are cancelled.
        .h1_allow_half_closed(false)
        .shutdown_timeout(drain_timeout.as_secs_f64().ceil() as u64)
        .disable_signals()
        .listen_auto_h2c(listener)?;
    Ok(server.run())
}

/// Starts the gRPC server with the same limits as HTTP.
pub(super) fn grpc(
    state: &State,
    listener: TcpListener,
    settings: &Settings,
    connections: usize,
) -> io::Result<grpc::Server> {
    let gate = AdminAuth::new(settings.admin.admin_token.clone(), listener.local_addr()?);
    let options = grpc::Options {
        service: Arc::clone(&state.v2),
        readiness: Arc::clone(&state.readiness),
        metrics: Arc::clone(&state.metrics),
        gate,
        bodies: state.bodies.clone(),
        max_connections: connections,
        header_timeout: settings.connections.header_timeout,
    };
    grpc::Server::start(listener, options)
}

/// Raises the limit of open files as far as possible and returns how many of the requested connections it allows. Further
/// connections wait in the backlog.
fn raise_nofile_limit(asked: usize) -> usize {
    let limits = getrlimit(Resource::Nofile);
    let raised = rustix::process::Rlimit {
        current: limits.maximum,
        maximum: limits.maximum,
    };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limits.maximum,
        Err(_) => limits.current,
    };
    let Some(files) = files else { return asked };
    let room = usize::try_from(files.saturating_sub(OTHER_FILES).max(16)).unwrap_or(usize::MAX);
    if room < asked {
        tracing::warn!(
            open_files = files,
            connections = room,
            "the limit of open files allows fewer connections than --max-connections (HTTP and gRPC together); raise it with `ulimit -n`"
        );
    }
    asked.min(room)
}
