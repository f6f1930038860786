//! Settings of the shutdown.

use std::time::Duration;

use clap::Args;

use super::parse;

/// Settings of the shutdown after SIGTERM or SIGINT.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Shutdown")]
pub struct DrainSettings {
    /// Time for which the server still accepts requests after a signal while /health/ready returns 503, so that load balancers
    /// notice it.
    #[arg(long, env = "MIEN_DRAIN_DELAY", value_name = "TIME", default_value = "1s", value_parser = parse::duration)]
    pub drain_delay: Duration,

    /// Maximum time for pending requests to finish after the drain delay.
    #[arg(long, env = "MIEN_DRAIN_TIMEOUT", value_name = "TIME", default_value = "30s", value_parser = parse::duration)]
    pub drain_timeout: Duration,
}
