//! Settings of gRPC.

use clap::Args;

use super::HostPort;

/// Settings of the gRPC server for the Open Inference Protocol v2.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "gRPC")]
pub struct GrpcSettings {
    /// Address for gRPC, like --addr. gRPC is off by default. Port 0 selects a free port, which the log shows.
    #[arg(long, env = "MIEN_GRPC_ADDR", value_name = "ADDRESS")]
    pub grpc_addr: Option<HostPort>,
}
