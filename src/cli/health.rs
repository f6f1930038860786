//! `mien health`: asks a running server whether it is ready, for a container's health check.
//!
//! One request over a plain socket: an image with nothing but the server in it has no `curl`.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

use clap::Args;

/// How long connecting, and then each wait for the answer, may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Arguments of `mien health`.
#[derive(Debug, Clone, Args)]
pub struct HealthArgs {
    /// Where the server listens. An address that means every interface is asked over loopback.
    #[arg(long, env = "MIEN_ADDR", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub addr: SocketAddr,
}

/// Why a server does not count as healthy.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// Nobody answers, or not in time.
    #[error("no answer from {0}: {1}")]
    Unreachable(SocketAddr, io::Error),
    /// It answers something else than 200.
    #[error("the server at {0} is not ready: {1:?}")]
    NotReady(SocketAddr, String),
}

impl HealthArgs {
    /// Asks `/health/ready`.
    ///
    /// # Errors
    /// Where nobody answers within two seconds, or the answer is not 200.
    pub fn check(&self) -> Result<(), HealthError> {
        let addr = reachable(self.addr);
        let line = status_line(addr).map_err(|error| HealthError::Unreachable(addr, error))?;
        if line.split(' ').nth(1) == Some("200") {
            return Ok(());
        }
        Err(HealthError::NotReady(addr, line))
    }
}

/// The first line of the answer to `GET /health/ready`.
fn status_line(addr: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&addr, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    write!(stream, "GET /health/ready HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n")?;
    // A status line is short; whatever else listens there does not get more memory than that.
    let mut line = String::new();
    BufReader::new(io::Read::take(stream, 256)).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

/// `0.0.0.0` and `::` name interfaces to listen on, not a peer.
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

    /// Answers one request with the given text, and tells what was asked.
    fn answering(text: &'static str) -> (HealthArgs, thread::JoinHandle<String>) {
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
        (HealthArgs { addr: SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)) }, server)
    }

    #[test]
    fn a_200_is_healthy() {
        let (args, server) = answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        args.check().unwrap();
        assert!(server.join().unwrap().starts_with("GET /health/ready HTTP/1.1\r\n"));
    }

    #[test]
    fn a_server_that_drains_or_says_nothing_is_not() {
        for text in ["HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", ""] {
            let (args, server) = answering(text);
            assert!(matches!(args.check(), Err(HealthError::NotReady(..))), "{text:?}");
            server.join().unwrap();
        }
    }

    #[test]
    fn nobody_there_is_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        drop(listener);
        assert!(matches!(HealthArgs { addr }.check(), Err(HealthError::Unreachable(..))));
    }
}
