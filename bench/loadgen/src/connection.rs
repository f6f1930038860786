//! An HTTP/1.1 connection: bytes of a request out, status and body in. It is hand-written because a load generator must not
//! spend more CPU time per request than the server that it measures.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Maximum number of response headers.
const MAX_HEADERS: usize = 64;
/// Maximum size of a response body in bytes.
const MAX_BODY: usize = 64 << 20;

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
    use super::parse;

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
}
