//! Settings of connections.

use std::{num::NonZeroUsize, time::Duration};

use clap::Args;

use super::parse;

/// How many clients may be connected, and how long they may do nothing.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connections")]
pub struct ConnectionSettings {
    /// The most connections at a time; more wait until one closes. HTTP takes a multiple of its threads, one a core, that is
    /// not above it. Also bounded by the limit of open files.
    #[arg(long, env = "MIEN_MAX_CONNECTIONS", value_name = "COUNT", default_value = "8192")]
    pub max_connections: NonZeroUsize,

    /// How long a request's head may take to arrive (408).
    #[arg(long, env = "MIEN_HEADER_TIMEOUT", value_name = "TIME", default_value = "10s", value_parser = parse::positive_duration)]
    pub header_timeout: Duration,

    /// How long a connection may stay open without a request, and with an answer whose bytes its client does not take (the latter
    /// on Linux).
    #[arg(long, env = "MIEN_KEEP_ALIVE", value_name = "TIME", default_value = "75s", value_parser = parse::positive_duration)]
    pub keep_alive: Duration,
}
