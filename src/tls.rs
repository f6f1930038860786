//! TLS for the listeners of HTTP and gRPC.

mod files;
mod pinned;
mod provider;
mod stream;

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

pub use self::{
    files::{TlsError, TlsFiles},
    pinned::pinned_client,
    provider::install_crypto_provider,
    stream::Stream,
};

/// The protocol of a listener, for ALPN (RFC 7301).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1. The HTTP listeners do not support HTTP/2.
    Http,
    /// HTTP/2 with gRPC.
    Grpc,
}

/// The configurations of all listeners, from the same files.
struct Configs {
    http: Arc<ServerConfig>,
    grpc: Arc<ServerConfig>,
}

/// The certificate and the client authorities of a server. They are replaced when their files change.
pub struct Tls {
    files: TlsFiles,
    configs: ArcSwap<Configs>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read or is invalid, or if the key is not that of the certificate.
    pub fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let configs = ArcSwap::from_pointee(configs(&files)?);
        Ok(Self { files, configs })
    }

    /// Reads the files again. Open connections keep the previous certificate.
    ///
    /// # Errors
    /// Returns the errors of [`Self::open`]. The previous files then remain in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.configs.store(Arc::new(configs(&self.files)?));
        Ok(())
    }

    /// Returns the acceptor for a new connection.
    pub(crate) fn acceptor(&self, protocol: Protocol) -> TlsAcceptor {
        let configs = self.configs.load();
        let config = match protocol {
            Protocol::Http => &configs.http,
            Protocol::Grpc => &configs.grpc,
        };
        TlsAcceptor::from(Arc::clone(config))
    }
}

fn configs(files: &TlsFiles) -> Result<Configs, TlsError> {
    let http = files.config(b"http/1.1")?;
    let mut grpc = http.clone();
    grpc.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Configs {
        http: Arc::new(http),
        grpc: Arc::new(grpc),
    })
}
