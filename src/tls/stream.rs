//! A connection with or without TLS.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{Accept, TlsAcceptor, server::TlsStream};

/// Maximum number of bytes that TLS buffers while the client does not read.
const WRITE_BUFFER: usize = 16 << 10;

/// A connection with or without TLS. The handshake takes place during the first read or write, so that the time limits of the
/// first request include it and a slow handshake does not delay other connections.
pub enum Stream {
    /// Without TLS.
    Plain(TcpStream),
    /// The handshake is not complete.
    Handshake(Box<Accept<TcpStream>>),
    /// With TLS.
    Tls(Box<TlsStream<TcpStream>>),
    /// The handshake failed.
    Failed,
}

impl Stream {
    /// Creates a connection, with TLS if there is an acceptor.
    pub(crate) fn new(socket: TcpStream, acceptor: Option<TlsAcceptor>) -> Self {
        match acceptor {
            None => Self::Plain(socket),
            Some(acceptor) => Self::Handshake(Box::new(acceptor.accept(socket))),
        }
    }

    /// Sends bytes if the connection does not use TLS and the system accepts them now.
    pub(crate) fn try_write_plain(&self, bytes: &[u8]) {
        if let Self::Plain(socket) = self {
            // The client does not get the bytes if it does not read.
            let _ = socket.try_write(bytes);
        }
    }

    /// Completes the handshake, if there is one.
    fn poll_handshake(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self::Handshake(accept) = self else {
            return Poll::Ready(Ok(()));
        };
        let accepted = ready!(Pin::new(accept.as_mut()).poll(context));
        match accepted {
            Ok(mut stream) => {
                stream.get_mut().1.set_buffer_limit(Some(WRITE_BUFFER));
                *self = Self::Tls(Box::new(stream));
                Poll::Ready(Ok(()))
            }
            Err(error) => {
                tracing::debug!(%error, "TLS handshake failed");
                *self = Self::Failed;
                Poll::Ready(Err(error))
            }
        }
    }
}

fn failed() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the TLS handshake failed")
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_handshake(context))?;
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_read(context, buffer),
            Self::Handshake(_) | Self::Failed => Poll::Ready(Err(failed())),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_handshake(context))?;
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(context, bytes),
            Self::Handshake(_) | Self::Failed => Poll::Ready(Err(failed())),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_handshake(context))?;
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, bytes),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write_vectored(context, bytes),
            Self::Handshake(_) | Self::Failed => Poll::Ready(Err(failed())),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Handshake(_) | Self::Tls(_) => true,
            Self::Failed => false,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(context),
            // Nothing was written.
            Self::Handshake(_) | Self::Failed => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
            Self::Handshake(accept) => match accept.get_mut() {
                Some(socket) => Pin::new(socket).poll_shutdown(context),
                None => Poll::Ready(Ok(())),
            },
            Self::Failed => Poll::Ready(Ok(())),
        }
    }
}
