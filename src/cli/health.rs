//! `mien health`: checks whether a running server is ready, for the health check of a container without `curl`. It sends one
//! request over a plain socket, because an async HTTP client would delay each check.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use clap::Args;

use tokio_rustls::rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};

use crate::{
    settings::HostPort,
    tls::{TlsError, pinned_client},
};

/// Timeout of connecting and of each read.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Arguments of `mien health`.
#[derive(Debug, Clone, Args)]
pub struct HealthArgs {
    /// Address of the server. An unspecified address (0.0.0.0 or ::) is checked over loopback.
    #[arg(
        long,
        env = "MIEN_ADDR",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8080"
    )]
    pub addr: HostPort,

    /// Certificate of the server, if the server uses TLS. The server must present this certificate.
    #[arg(long, env = "MIEN_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
}

/// Why a server is not healthy.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// The server does not respond in time.
    #[error("no response from {0}: {1}")]
    Unreachable(HostPort, io::Error),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The status of the response is not 200.
    #[error("the server at {0} is not ready: {1:?}")]
    NotReady(HostPort, String),
}

impl HealthArgs {
    /// Requests `/health/ready`.
    ///
    /// # Errors
    /// Returns an error without a response within two seconds, or if the status is not 200.
    pub fn check(&self) -> Result<(), HealthError> {
        let unreachable = |error| HealthError::Unreachable(self.addr.clone(), error);
        let tls = self.tls_cert.as_deref().map(pinned_client).transpose()?;
        let stream = connect(&self.addr).map_err(unreachable)?;
        let line = match tls {
            None => status_line(stream, &self.addr),
            Some(tls) => {
                let stream = secured(stream, tls).map_err(unreachable)?;
                status_line(stream, &self.addr)
            }
        };
        let line = line.map_err(unreachable)?;
        if line.split(' ').nth(1) == Some("200") {
            return Ok(());
        }
        Err(HealthError::NotReady(self.addr.clone(), line))
    }
}

/// Connects to the first address of a host that accepts the connection.
fn connect(addr: &HostPort) -> io::Result<TcpStream> {
    let mut result = Err(io::ErrorKind::AddrNotAvailable.into());
    for address in addr.resolve()? {
        result = TcpStream::connect_timeout(&reachable(address), TIMEOUT);
        if result.is_ok() {
            break;
        }
    }
    let stream = result?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    Ok(stream)
}

/// Adds TLS to a connection. The name is not verified, because the server must present a certain certificate.
fn secured(
    stream: TcpStream,
    config: ClientConfig,
) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let name = ServerName::IpAddress(Ipv4Addr::LOCALHOST.into());
    let connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    Ok(StreamOwned::new(connection, stream))
}

/// Returns the status line of the response to `GET /health/ready`.
fn status_line(mut stream: impl Read + Write, addr: &HostPort) -> io::Result<String> {
    write!(
        stream,
        "GET /health/ready HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n"
    )?;
    // A status line is short; the limit bounds the memory if another program listens there.
    let mut line = String::new();
    BufReader::new(stream.take(256)).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

/// Replaces `0.0.0.0` and `::`, which are not addresses of a peer, by loopback.
fn reachable(mut addr: SocketAddr) -> SocketAddr {
    if addr.ip().is_unspecified() {
        addr.set_ip(match addr.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    addr
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    /// Responds to one request with the given text and returns the request.
    fn respond_once(text: &'static str) -> (HealthArgs, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(&stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                reader.read_line(&mut head).unwrap();
            }
            (&stream).write_all(text.as_bytes()).unwrap();
            head
        });
        (
            HealthArgs {
                addr: SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into(),
                tls_cert: None,
            },
            server,
        )
    }

    #[test]
    fn status_200_is_healthy() {
        let (args, server) = respond_once("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        args.check().unwrap();
        assert!(
            server
                .join()
                .unwrap()
                .starts_with("GET /health/ready HTTP/1.1\r\n")
        );
    }

    #[test]
    fn host_name_is_resolved() {
        let (args, server) = respond_once("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        let addr = args.addr.to_string().replace("0.0.0.0", "localhost");
        let addr = addr.parse().unwrap();
        HealthArgs {
            addr,
            tls_cert: None,
        }
        .check()
        .unwrap();
        server.join().unwrap();
    }

    #[test]
    fn draining_or_silent_server_is_unhealthy() {
        for text in [
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
            "",
        ] {
            let (args, server) = respond_once(text);
            assert!(
                matches!(args.check(), Err(HealthError::NotReady(..))),
                "{text:?}"
            );
            server.join().unwrap();
        }
    }

    #[test]
    fn closed_port_is_unhealthy() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap().into();
        drop(listener);
        assert!(matches!(
            HealthArgs {
                addr,
                tls_cert: None
            }
            .check(),
            Err(HealthError::Unreachable(..))
        ));
    }
}
