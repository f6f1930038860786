//! Settings of requests from web pages.

use clap::Args;

use crate::{
    auth::{AllowedSites, Origin},
    notice::Notice,
};

/// Settings of requests from web pages.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Web pages")]
pub struct WebSettings {
    /// Host name that clients may use for a server on a loopback address, in addition to localhost and loopback addresses, such as the
    /// name of a reverse proxy. Requests without credentials to another name are rejected (403), because a foreign web page may have
    /// sent them (DNS rebinding). * allows every name. Repeatable; in the variable, entries are separated by commas.
    #[arg(
        long = "allowed-host",
        env = "MIEN_ALLOWED_HOSTS",
        value_name = "NAME",
        value_delimiter = ',',
        value_parser = parse_host
    )]
    pub allowed_hosts: Vec<String>,

    /// Origin of web pages that may send requests to the server and read the responses (CORS), such as `https://app.example`. Off by default.
    /// Repeatable; in the variable, entries are separated by commas.
    #[arg(
        long = "cors-origin",
        env = "MIEN_CORS_ORIGINS",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    pub cors_origins: Vec<Origin>,

    /// Notice of the operator: one line that names the operator, the purpose and a contact, for example. The web UI, the API document
    /// (`info.x-notice`) and reports show it.
    #[arg(long, env = "MIEN_NOTICE", value_name = "TEXT")]
    pub notice: Option<Notice>,
}

impl WebSettings {
    /// Returns the hosts and origins that a loopback listener accepts.
    pub fn sites(&self) -> AllowedSites {
        AllowedSites::new(self.allowed_hosts.clone(), self.cors_origins.clone())
    }
}

fn parse_host(text: &str) -> Result<String, &'static str> {
    let is_allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'[' | b']');
    if text == "*" || (!text.is_empty() && text.bytes().all(is_allowed)) {
        Ok(text.to_owned())
    } else {
        Err("expected a host name without a port, for example mien.example, or *")
    }
}
