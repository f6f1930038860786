//! Settings of the gRPC door.

use std::net::SocketAddr;

use clap::Args;

/// Whether and where the inference protocol v2 is served over gRPC.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "gRPC")]
pub struct GrpcSettings {
    /// Where to listen for gRPC. Without it there is none. Port 0 takes any free port; the log tells which.
    #[arg(long, env = "MIEN_GRPC_ADDR", value_name = "ADDRESS")]
    pub grpc_addr: Option<SocketAddr>,
}
