//! An attack and the bounds that the server must keep meanwhile.

use std::{net::SocketAddr, pin::Pin, time::Duration};

use mien_loadgen::process::Process;

/// Maximum growth of the resident memory during an attack in bytes.
pub(crate) const MAX_GROWTH: u64 = 300 << 20;
/// Maximum growth of the resident memory [`RELEASE_TIME`] after an attack in bytes.
pub(crate) const MAX_RETAINED: u64 = 150 << 20;
/// Time after an attack within which the server must release memory.
pub(crate) const RELEASE_TIME: Duration = Duration::from_secs(10);
/// Maximum time until another client gets its response during an attack, unless the attack states another one.
pub(crate) const MAX_LATENCY: Duration = Duration::from_secs(1);

/// The future of a running attack. It fails if the server breaks a bound that only this attack checks.
pub(crate) type Running = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

/// An attack on a server of its own.
pub(crate) struct Attack {
    /// Name on the command line.
    pub(crate) name: &'static str,
    /// Description of the requests for the list of attacks.
    pub(crate) about: &'static str,
    /// Flags of `mien serve` in addition to those of [`crate::server::Server::start`].
    pub(crate) flags: &'static [&'static str],
    /// Maximum time until another client gets its response.
    pub(crate) max_latency: Duration,
    /// Starts the attack.
    pub(crate) run: fn(Target) -> Running,
}

/// The server that is attacked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    /// Address of the HTTP listener.
    pub(crate) http: SocketAddr,
    /// Address of the gRPC listener.
    pub(crate) grpc: SocketAddr,
    /// Process of the server.
    pub(crate) process: Process,
}
