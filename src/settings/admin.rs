//! Settings of the admin API.

use clap::Args;

use crate::auth::AdminToken;

/// Settings of the admin API: loading, unloading and promoting models, and deleting records.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Admin API")]
pub struct AdminSettings {
    /// Token for admin requests: loading, unloading and promoting models, and deleting records. Clients send it as
    /// `Authorization: Bearer TOKEN`. It must have at least 16 visible ASCII characters. Prefer the variable, because other
    /// users of the machine can read flags. Without a token, admin requests are accepted on loopback addresses only.
    #[arg(
        long,
        env = "MIEN_ADMIN_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true
    )]
    pub admin_token: Option<AdminToken>,
}
