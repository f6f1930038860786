//! Settings of connections.

use std::{num::NonZeroUsize, time::Duration};

use clap::Args;

use super::parse;

/// Settings of connections.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connections")]
pub struct ConnectionSettings {
    /// Maximum number of open connections; further ones wait. For HTTP the limit is rounded down to a multiple of the number of
    /// worker threads. The limit of open files may lower it. At most 1000000.
    #[arg(
        long,
        env = "MIEN_MAX_CONNECTIONS",
        value_name = "COUNT",
        default_value = "8192",
        value_parser = parse::number::<1_000_000>
    )]
    pub max_connections: NonZeroUsize,

    /// Maximum time to receive the head of a request (408).
    #[arg(long, env = "MIEN_HEADER_TIMEOUT", value_name = "TIME", default_value = "10s", value_parser = parse::positive_duration)]
    pub header_timeout: Duration,

    /// Maximum time that a connection stays open without a request. On Linux also the maximum time that a client does not read
    /// its response.
    #[arg(long, env = "MIEN_KEEP_ALIVE", value_name = "TIME", default_value = "75s", value_parser = parse::positive_duration)]
    pub keep_alive: Duration,
}
