//! Settings of TLS.

use std::path::PathBuf;

use clap::Args;

use crate::tls::TlsFiles;

/// Settings of TLS for all listeners.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "TLS")]
pub struct TlsSettings {
    /// Certificate of the server in PEM format, followed by intermediate certificates. All listeners then accept TLS 1.2 and 1.3 only. The
    /// server reads the files of TLS again when they change.
    #[arg(long, env = "MIEN_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// Private key of --tls-cert in PEM format.
    #[arg(long, env = "MIEN_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// Certificates of authorities in PEM format. Clients then need a certificate that one of the authorities has signed.
    #[arg(
        long,
        env = "MIEN_TLS_CLIENT_CA",
        value_name = "FILE",
        requires = "tls_cert"
    )]
    tls_client_ca: Option<PathBuf>,
}

impl TlsSettings {
    /// Returns the files if TLS is enabled.
    pub fn files(&self) -> Option<TlsFiles> {
        Some(TlsFiles {
            certificate: self.tls_cert.clone()?,
            key: self.tls_key.clone()?,
            client_authorities: self.tls_client_ca.clone(),
        })
    }
}
