//! An HTTP/1.1 connection: bytes of a request out, status and body in. It is hand-written because a load generator must not
//! spend more CPU time per request than the server that it measures.

use std::{
    io,
    net::{self, SocketAddr, ToSocketAddrs},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Maximum number of response headers.
const MAX_HEADERS: usize = 64;
/// Maximum size of a response body in bytes.
const MAX_BODY: usize = 64 << 20;

/// Connect timeout of each address of a host.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a text is not the URL of a server.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    /// The scheme is missing or not http.
    #[error("`{0}`: the URL must start with http://")]
    Scheme(String),
    /// The host is unknown or the port is missing.
    #[error("`{0}` is not a reachable HOST:PORT")]
    Host(String),
}

/// Returns the address and the path of a URL; the default path is `/`.
///
/// # Errors
/// Returns an error if the scheme is not http or the host cannot be resolved.
pub fn resolve_url(url: &str) -> Result<(SocketAddr, &str), UrlError> {
    let rest = url
        .strip_prefix("http://")
        .ok_or_else(|| UrlError::Scheme(url.to_owned()))?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let addresses = host
        .to_socket_addrs()
        .map(Vec::from_iter)
        .unwrap_or_default();
    let addr = first_reachable(&addresses).ok_or_else(|| UrlError::Host(host.to_owned()))?;
    Ok((addr, if path.is_empty() { "/" } else { path }))
}

/// Returns the first reachable address of a host, or the first address if none is reachable. `localhost` resolves to `::1` first,
/// but a server may listen on `127.0.0.1` only.
fn first_reachable(addresses: &[SocketAddr]) -> Option<SocketAddr> {
    let is_reachable =
        |addr: &&SocketAddr| net::TcpStream::connect_timeout(addr, CONNECT_TIMEOUT).is_ok();
    let several = addresses.len() > 1;
    let found = several
        .then(|| addresses.iter().find(is_reachable))
        .flatten();
    found.or(addresses.first()).copied()
}

/// Builds a request.
pub fn request(
    method: &str,
    host: SocketAddr,
    path: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    let mut request = head.into_bytes();
    request.extend_from_slice(body);
    request
}

/// A connection, which is reopened after a failure.
pub struct Connection {
    addr: SocketAddr,
    stream: Option<TcpStream>,
    /// The received part of the response.
    buffer: Vec<u8>,
}

/// A response whose body is in the buffer of the connection.
pub struct Response<'a> {
    /// Status of the response.
    pub status: u16,
    /// Body of the response.
    pub body: &'a [u8],
}

/// The head of a response.
struct Head {
    status: u16,
    /// Start and length of the body.
    start: usize,
    length: usize,
    close: bool,
}

impl Connection {
    /// Creates a connection, which is opened by the first request.
    pub fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            stream: None,
            buffer: Vec::with_capacity(8192),
        }
    }

    /// Sends a request and reads its response.
    ///
    /// # Errors
    /// Returns an error if the server is not reachable, disconnects, or sends an invalid response.
    pub async fn send(&mut self, request: &[u8]) -> io::Result<Response<'_>> {
        let result = self.exchange(request).await;
        match result {
            Ok(head) => {
                if head.close {
                    self.stream = None;
                }
                let body = &self.buffer[head.start..head.start + head.length];
                Ok(Response {
                    status: head.status,
                    body,
                })
            }
            Err(error) => {
                self.stream = None;
                Err(error)
            }
        }
    }

    async fn exchange(&mut self, request: &[u8]) -> io::Result<Head> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let stream = TcpStream::connect(self.addr).await?;
                stream.set_nodelay(true)?;
                none.insert(stream)
            }
        };
        stream.write_all(request).await?;
        self.buffer.clear();
        let mut head = None;
        loop {
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if head.is_none() {
                head = parse(&self.buffer)?;
            }
            if head
                .as_ref()
                .is_some_and(|head| self.buffer.len() >= head.start + head.length)
            {
                return head.ok_or_else(|| io::ErrorKind::InvalidData.into());
            }
        }
    }
}

/// Parses the head if it is complete.
fn parse(bytes: &[u8]) -> io::Result<Option<Head>> {
    let invalid_response =
        |reason: &str| io::Error::new(io::ErrorKind::InvalidData, reason.to_owned());
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response
        .parse(bytes)
        .map_err(|error| invalid_response(&error.to_string()))?;
    let httparse::Status::Complete(start) = parsed else {
        return Ok(None);
    };
    let find = |name: &str| {
        let header = response
            .headers
            .iter()
            .find(|h| h.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok()
    };
    let length = find("content-length").and_then(|value| value.trim().parse().ok());
    let length: usize =
        length.ok_or_else(|| invalid_response("the response has no content-length"))?;
    if length > MAX_BODY {
        return Err(invalid_response("the response is too large"));
    }
    let close = find("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    Ok(Some(Head {
        status: response.code.unwrap_or(0),
        start,
        length,
        close,
    }))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::{first_reachable, parse, resolve_url};

    #[test]
    fn head_parses_when_complete() {
        let response = b"HTTP/1.1 503 Busy\r\nContent-LENGTH: 5\r\nconnection: Close\r\n\r\nhello";
        for end in 0..response.len() - 5 {
            assert!(parse(&response[..end]).unwrap().is_none(), "{end}");
        }
        let head = parse(response).unwrap().unwrap();
        assert_eq!((head.status, head.length, head.close), (503, 5, true));
        assert_eq!(&response[head.start..], b"hello");
        assert!(parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        let endless = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", usize::MAX);
        assert!(parse(endless.as_bytes()).is_err());
        assert!(parse(b"SSH-2.0-OpenSSH\r\n").is_err());
    }

    #[test]
    fn host_resolves_to_listening_address() {
        let [listening, closed] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [open, shut] = [&listening, &closed].map(|listener| listener.local_addr().unwrap());
        drop(closed);
        assert_eq!(first_reachable(&[shut, open]), Some(open));
        assert_eq!(first_reachable(&[shut, shut]), Some(shut));
        assert_eq!(first_reachable(&[]), None);
    }

    #[test]
    fn url_resolves_to_address_and_path() {
        let local = "127.0.0.1:8080".parse().unwrap();
        assert_eq!(resolve_url("http://127.0.0.1:8080").unwrap(), (local, "/"));
        assert_eq!(
            resolve_url("http://127.0.0.1:8080/a/b").unwrap(),
            (local, "/a/b")
        );
        for wrong in [
            "127.0.0.1:8080",
            "https://127.0.0.1:8080",
            "http://127.0.0.1",
            "http://",
        ] {
            assert!(resolve_url(wrong).is_err(), "{wrong}");
        }
    }
}
