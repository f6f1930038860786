//! Settings of who may give orders.

use clap::Args;

use crate::auth::AdminToken;

/// Who may load, unload and promote models and delete records.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Orders")]
pub struct AdminSettings {
    /// What clients send as `Authorization: Bearer TOKEN` to load, unload and promote models and to delete records: at
    /// least 16 visible characters. Better set by the variable, for flags are seen by every user of the machine. Without
    /// it only a listener on a loopback address takes such orders.
    #[arg(long, env = "MIEN_ADMIN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub admin_token: Option<AdminToken>,
}
