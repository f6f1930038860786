//! A plain HTTPS client, which controls its connections.

use std::{io, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    },
};

use super::certificates::{Authority, Identity};

/// Returns the configuration of a client that trusts an authority.
pub(super) fn trusting(authority: &Authority) -> ClientConfig {
    config(authority, None)
}

/// Returns the configuration of a client with a certificate.
pub(super) fn config(authority: &Authority, identity: Option<&Identity>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let certificate = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    roots.add(certificate(&authority.certificate)).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    match identity {
        None => builder.with_no_client_auth(),
        Some(Identity {
            certificate: chain,
            key,
        }) => {
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            builder
                .with_client_auth_cert(vec![certificate(chain)], key)
                .unwrap()
        }
    }
}

/// A client of one server.
pub(super) struct HttpsClient {
    port: u16,
    config: ClientConfig,
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection(TlsStream<TcpStream>);

impl HttpsClient {
    pub(super) fn new(port: u16, config: ClientConfig) -> Self {
        Self { port, config }
    }

    /// Opens a connection and offers protocols.
    pub(super) async fn connect(&self, protocols: &[&str]) -> io::Result<Connection> {
        let mut config = self.config.clone();
        let names = protocols.iter().map(|name| name.as_bytes().to_vec());
        config.alpn_protocols = names.collect();
        let socket = TcpStream::connect(("127.0.0.1", self.port)).await?;
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        Ok(Connection(connector.connect(name, socket).await?))
    }
}

impl Connection {
    /// Returns the selected protocol.
    pub(super) fn protocol(&self) -> Option<String> {
        let protocol = self.0.get_ref().1.alpn_protocol()?;
        Some(String::from_utf8(protocol.to_vec()).unwrap())
    }

    /// Returns the certificate of the server.
    pub(super) fn certificate(&self) -> CertificateDer<'static> {
        let certificates = self.0.get_ref().1.peer_certificates().unwrap();
        certificates[0].clone().into_owned()
    }

    /// Returns the status of the response to a GET request. The connection stays open.
    pub(super) async fn status(&mut self, path: &str) -> io::Result<u16> {
        let response = self.text(path).await?;
        Ok(response.split(' ').nth(1).unwrap().parse().unwrap())
    }

    /// Returns the response to a GET request. The connection stays open.
    pub(super) async fn text(&mut self, path: &str) -> io::Result<String> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        self.0.write_all(request.as_bytes()).await?;
        let mut response = Vec::new();
        loop {
            if self.0.read_buf(&mut response).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let text = String::from_utf8_lossy(&response);
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if body.len() == length.unwrap().parse::<usize>().unwrap() {
                return Ok(text.into_owned());
            }
        }
    }

    /// Reads until the server closes the connection.
    pub(super) async fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).await?;
        Ok(rest)
    }
}
