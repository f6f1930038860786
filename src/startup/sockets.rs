//! The sockets of the listeners and the routes that each serves.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use super::{backlog::Backlog, error::StartupError};
use crate::{
    http::ServedRoutes,
    settings::{HostPort, Settings},
};

/// A bound socket for HTTP.
pub(super) struct HttpListener {
    pub(super) socket: TcpListener,
    pub(super) routes: ServedRoutes,
    /// Number of threads.
    pub(super) threads: usize,
}

/// The bound sockets of a server.
pub(super) struct Sockets {
    /// The listener of `--addr` first, then those of `--admin-addr` and `--metrics-addr`.
    pub(super) http: Vec<HttpListener>,
    pub(super) grpc: Option<TcpListener>,
}

/// The bound addresses for HTTP.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addresses {
    pub(super) main: SocketAddr,
    pub(super) admin: Option<SocketAddr>,
    pub(super) metrics: Option<SocketAddr>,
}

impl Sockets {
    /// Binds all addresses.
    ///
    /// # Errors
    /// Returns an error if an address is not available.
    pub(super) fn bind(settings: &Settings) -> Result<(Self, Addresses), StartupError> {
        let (admin_addr, metrics_addr) = (
            settings.listeners.admin_addr.as_ref(),
            settings.listeners.metrics_addr.as_ref(),
        );
        let main = HttpListener {
            socket: bind(&settings.addr, "--addr", settings)?,
            routes: ServedRoutes {
                admin: admin_addr.is_none(),
                metrics: metrics_addr.is_none(),
                other: true,
            },
            threads: mien_host::cpu::available_cores(),
        };
        let additional = |addr: Option<&HostPort>, flag, routes| {
            let socket = addr.map(|addr| bind(addr, flag, settings)).transpose()?;
            Ok::<_, StartupError>(socket.map(|socket| HttpListener {
                socket,
                routes,
                threads: 1,
            }))
        };
        let admin_routes = ServedRoutes {
            admin: true,
            ..main.routes
        };
        let metrics_routes = ServedRoutes {
            admin: false,
            metrics: true,
            other: false,
        };
        let admin = additional(admin_addr, "--admin-addr", admin_routes)?;
        let metrics = additional(metrics_addr, "--metrics-addr", metrics_routes)?;
        let grpc = settings.grpc.grpc_addr.as_ref();
        let grpc = grpc.map(|addr| bind(addr, "--grpc-addr", settings));
        let grpc = grpc.transpose()?;

        let address = |listener: &HttpListener| listener.socket.local_addr();
        let addresses = Addresses {
            main: address(&main)?,
            admin: admin.as_ref().map(address).transpose()?,
            metrics: metrics.as_ref().map(address).transpose()?,
        };
        let http = std::iter::once(main).chain(admin).chain(metrics).collect();
        Ok((Self { http, grpc }, addresses))
    }

    /// Returns the backlogs of all listeners.
    ///
    /// # Errors
    /// Returns an error if the limit of file descriptors is reached.
    pub(super) fn backlogs(&self) -> io::Result<Vec<Backlog>> {
        let http = self.http.iter().map(|listener| &listener.socket);
        http.chain(&self.grpc).map(Backlog::of).collect()
    }
}

/// Binds the first available address of a host.
fn bind(
    addr: &HostPort,
    flag: &'static str,
    settings: &Settings,
) -> Result<TcpListener, StartupError> {
    let listener = addr.resolve().and_then(|all| TcpListener::bind(&all[..]));
    let listener = listener.map_err(|source| StartupError::Listen {
        addr: addr.clone(),
        flag,
        source,
    })?;
    set_tcp_user_timeout(&listener, settings.connections.keep_alive)?;
    Ok(listener)
}

/// Makes the system close connections of this listener whose client does not read its response for `time`. Accepted sockets
/// inherit the option.
fn set_tcp_user_timeout(listener: &TcpListener, time: Duration) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        // The maximum of the system.
        let max = i32::MAX.unsigned_abs();
        let millis = u32::try_from(time.as_millis()).map_or(max, |millis| millis.min(max));
        rustix::net::sockopt::set_tcp_user_timeout(listener, millis)?;
    }
    let _ = (listener, time);
    Ok(())
}
