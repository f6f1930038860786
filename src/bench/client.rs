//! One kept-alive HTTP/1.1 connection: a request's bytes out, status and body in.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Headers of an answer that are understood at most.
const MAX_HEADERS: usize = 64;

/// A connection; it is opened anew after a failure.
pub(super) struct Connection {
    addr: SocketAddr,
    stream: Option<TcpStream>,
    /// The answer that is being read.
    buffer: Vec<u8>,
}

/// An answer, its body within the connection's buffer.
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) body: &'a [u8],
}

/// The head of an answer.
struct Head {
    status: u16,
    /// Where the body starts, and how long it is.
    start: usize,
    length: usize,
    close: bool,
}

impl Connection {
    pub(super) fn new(addr: SocketAddr) -> Self {
        Self { addr, stream: None, buffer: Vec::with_capacity(8192) }
    }

    /// Sends a whole request and reads its answer.
    ///
    /// # Errors
    /// When the server cannot be reached, hangs up, or answers something that is not understood.
    pub(super) async fn ask(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        let result = self.exchange(request).await;
        match result {
            Ok(head) => {
                if head.close {
                    self.stream = None;
                }
                let body = &self.buffer[head.start..head.start + head.length];
                Ok(Answer { status: head.status, body })
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
            if head.as_ref().is_some_and(|head| self.buffer.len() >= head.start + head.length) {
                return head.ok_or_else(|| io::ErrorKind::InvalidData.into());
            }
        }
    }
}

/// The head, where all of it is there.
fn parse(bytes: &[u8]) -> io::Result<Option<Head>> {
    let unclear = |reason: &str| io::Error::new(io::ErrorKind::InvalidData, reason.to_owned());
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(bytes).map_err(|error| unclear(&error.to_string()))?;
    let httparse::Status::Complete(start) = parsed else { return Ok(None) };
    let find = |name: &str| {
        let header = response.headers.iter().find(|h| h.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok()
    };
    let length = find("content-length").and_then(|value| value.trim().parse().ok());
    let length = length.ok_or_else(|| unclear("an answer without content-length"))?;
    let close = find("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    Ok(Some(Head { status: response.code.unwrap_or(0), start, length, close }))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn heads_are_read_once_they_are_whole() {
        let answer = b"HTTP/1.1 503 Busy\r\nContent-LENGTH: 5\r\nconnection: Close\r\n\r\nhello";
        for end in 0..answer.len() - 5 {
            assert!(parse(&answer[..end]).unwrap().is_none(), "{end}");
        }
        let head = parse(answer).unwrap().unwrap();
        assert_eq!((head.status, head.length, head.close), (503, 5, true));
        assert_eq!(&answer[head.start..], b"hello");
        assert!(parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(parse(b"SSH-2.0-OpenSSH\r\n").is_err());
    }
}
