//! Settings of additional listeners.

use clap::Args;

use super::HostPort;

/// Settings of additional listeners.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Listeners")]
pub struct ListenerSettings {
    /// Address for /metrics, like --addr. The route is then not available on --addr.
    #[arg(long, env = "MIEN_METRICS_ADDR", value_name = "ADDRESS")]
    pub metrics_addr: Option<HostPort>,

    /// Address for admin requests, like --addr. It serves all routes of --addr in addition, so that the web UI works there. Admin
    /// requests are then not available on --addr and --grpc-addr.
    #[arg(long, env = "MIEN_ADMIN_ADDR", value_name = "ADDRESS")]
    pub admin_addr: Option<HostPort>,
}
