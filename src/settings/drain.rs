//! Settings of how the server stops.

use std::time::Duration;

use clap::Args;

/// What happens after SIGTERM or SIGINT.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Shutdown")]
pub struct DrainSettings {
    /// How long the server goes on taking requests while /health/ready says 503, so that balancers
    /// see it.
    #[arg(long, env = "MIEN_DRAIN_DELAY", value_name = "TIME", default_value = "1s", value_parser = humantime::parse_duration)]
    pub drain_delay: Duration,

    /// How long requests then have to finish.
    #[arg(long, env = "MIEN_DRAIN_TIMEOUT", value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub drain_timeout: Duration,
}
