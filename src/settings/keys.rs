//! Settings of API keys.

use std::path::PathBuf;

use clap::Args;

use super::admin::{TokenParser, parse_token};
use crate::auth::AdminToken;

/// Settings of API keys.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "API keys")]
pub struct KeySettings {
    /// TOML file with the names, SHA-256 hashes, scopes and limits of API keys. Requests then need a key or the admin token, except for
    /// health checks, the API reference and the files of the web UI. `mien keys new` creates a key. The server reads the file
    /// again when it changes.
    #[arg(long, env = "MIEN_API_KEYS", value_name = "FILE")]
    pub api_keys: Option<PathBuf>,
}

/// The API key of a command that sends requests to a server.
#[derive(Debug, Clone, Args)]
pub struct ClientKeySettings {
    /// API key for --server. Prefer the variable, because other users of the machine can read flags.
    #[arg(
        long,
        help_heading = "Classification",
        env = "MIEN_API_KEY",
        value_name = "KEY",
        hide_env_values = true,
        value_parser = TokenParser(parse_token)
    )]
    pub api_key: Option<AdminToken>,
}
