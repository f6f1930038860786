//! The listeners with their limits and middleware.

use std::{io, net::TcpListener, sync::Arc};

use actix_server::{Server, ServerBuilder};
use actix_web::{
    App,
    middleware::{Condition, from_fn},
    web,
};
use rustix::process::{Resource, getrlimit, setrlimit};

use super::sockets::HttpListener;
use crate::{
    app::AppState,
    auth::{Authorizer, keys::ApiKeys},
    grpc,
    http::{self, Connections, TimeLimits},
    settings::Settings,
    tls::Tls,
};

/// Number of open files that are not connections: models, data sets, libraries, log, pipes.
const OTHER_FILES: u64 = 256;

/// Maximum number of threads of an actix server.
const MAX_HTTP_THREADS: usize = 512;

/// Returns the maximum number of connections per listener: the setting, or its share of the limit of open files.
pub(super) fn max_connections(settings: &Settings) -> usize {
    let additional = [
        &settings.grpc.grpc_addr,
        &settings.listeners.metrics_addr,
        &settings.listeners.admin_addr,
    ];
    let listeners = 1 + additional.into_iter().flatten().count();
    let requested = settings.connections.max_connections.get();
    raise_nofile_limit(requested.saturating_mul(listeners)) / listeners
}

/// The parts of a server that its listeners share.
#[derive(Clone, Copy)]
pub(super) struct Shared<'a> {
    pub(super) app: &'a Arc<AppState>,
    pub(super) settings: &'a Settings,
    pub(super) keys: Option<&'a Arc<ApiKeys>>,
    pub(super) tls: Option<&'a Arc<Tls>>,
    /// Maximum number of connections per listener.
    pub(super) max_connections: usize,
}

impl Shared<'_> {
    /// Starts the server of an HTTP listener. Each has threads of its own, so that the connections of one listener do not block
    /// another.
    pub(super) fn http(
        &self,
        connections: &Arc<Connections>,
        listener: HttpListener,
    ) -> io::Result<Server> {
        let HttpListener {
            socket,
            routes,
            threads,
        } = listener;
        // Each thread counts its own connections; together they must not exceed the maximum.
        let threads = threads.min(self.max_connections).min(MAX_HTTP_THREADS);
        let settings = self.settings;
        let app = web::Data::from(Arc::clone(self.app));
        let authorizer = web::Data::new(self.authorizer(&socket)?);
        let limits = TimeLimits {
            header_timeout: settings.connections.header_timeout,
            keep_alive: settings.connections.keep_alive,
        };
        let connections = Arc::clone(connections);
        let tls = self.tls.cloned();
        let origins = settings.web.cors_origins.clone();
        let service = move || {
            let app = App::new()
                .app_data(app.clone())
                .app_data(web::Data::from(Arc::clone(&connections)))
                .app_data(authorizer.clone())
                .configure(|config| http::configure(routes, config))
                .wrap(Condition::new(!origins.is_empty(), http::cors(&origins)))
                .wrap(from_fn(http::middleware::observe));
            http::service(app, Arc::clone(&connections), tls.clone(), limits)
        };
        let server = ServerBuilder::new()
            .workers(threads)
            .max_concurrent_connections(self.max_connections / threads)
            .shutdown_timeout(settings.drain.drain_timeout.as_secs_f64().ceil() as u64)
            .disable_signals()
            .listen("http", socket, service)?;
        Ok(server.run())
    }

    /// Starts the gRPC server with the same limits as HTTP.
    pub(super) fn grpc(&self, listener: TcpListener) -> io::Result<grpc::Server> {
        let settings = self.settings;
        let options = grpc::Options {
            authorizer: self.authorizer(&listener)?,
            tls: self.tls.cloned(),
            serves_admin: settings.listeners.admin_addr.is_none(),
            max_connections: self.max_connections,
            header_timeout: settings.connections.header_timeout,
            keep_alive: settings.connections.keep_alive,
        };
        grpc::Server::start(listener, self.app, options)
    }

    /// Returns the authorization of the requests of a listener.
    fn authorizer(&self, listener: &TcpListener) -> io::Result<Authorizer> {
        let token = self.settings.admin.token().cloned();
        let metrics = Arc::clone(&self.app.metrics);
        let (address, sites) = (listener.local_addr()?, self.settings.web.sites());
        let keys = self.keys.cloned();
        Ok(Authorizer::new(token, keys, address, sites, metrics))
    }
}

/// Raises the limit of open files as far as possible and returns how many of the requested connections it allows. Further
/// connections wait in the backlog.
fn raise_nofile_limit(requested: usize) -> usize {
    let limits = getrlimit(Resource::Nofile);
    let raised = rustix::process::Rlimit {
        current: limits.maximum,
        maximum: limits.maximum,
    };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limits.maximum,
        Err(_) => limits.current,
    };
    let Some(files) = files else { return requested };
    let allowed = usize::try_from(files.saturating_sub(OTHER_FILES).max(16)).unwrap_or(usize::MAX);
    if allowed < requested {
        tracing::warn!(
            open_files = files,
            connections = allowed,
            "the limit of open files allows fewer connections than --max-connections (HTTP and gRPC together); raise it with `ulimit -n`"
        );
    }
    requested.min(allowed)
}
