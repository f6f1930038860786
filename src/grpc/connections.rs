//! Limits the number of connections; further ones wait in the backlog of the listener until one closes.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{Stream, StreamExt, stream};
use rustix::io::Errno;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Sleep, sleep},
};
use tonic::transport::server::{Connected, TcpConnectInfo, TcpIncoming};

use crate::tls::{self, Protocol, Tls};

/// Length of the connection preface of HTTP/2 clients in bytes (RFC 9113, section 3.4).
const PREFACE_LENGTH: usize = 24;

/// Pause after the system has run out of files or memory.
const PAUSE: Duration = Duration::from_millis(500);

/// Accepts connections while there are fewer than `max`. Each must complete its TLS handshake and send its preface within
/// `preface_timeout`.
pub(super) fn limited(
    incoming: TcpIncoming,
    tls: Option<Arc<Tls>>,
    max: usize,
    preface_timeout: Duration,
) -> impl Stream<Item = io::Result<Connection>> {
    let permits = Arc::new(Semaphore::new(max));
    stream::unfold(
        (incoming, permits, tls),
        move |(mut incoming, permits, tls)| async move {
            let permit = Arc::clone(&permits).acquire_owned().await.ok()?;
            let socket = accept(&mut incoming).await?;
            let info = socket.connect_info();
            let acceptor = tls.as_ref().map(|tls| tls.acceptor(Protocol::Grpc));
            let preface = PrefaceTimeout {
                bytes: 0,
                deadline: Box::pin(sleep(preface_timeout)),
            };
            let connection = Connection {
                stream: tls::Stream::new(socket, acceptor),
                info,
                preface: Some(preface),
                _permit: permit,
            };
            Some((Ok(connection), (incoming, permits, tls)))
        },
    )
}

/// Waits for the next connection.
async fn accept(incoming: &mut TcpIncoming) -> Option<TcpStream> {
    loop {
        match incoming.next().await? {
            Ok(stream) => return Some(stream),
            Err(error) if lacks_resources(&error) => {
                tracing::warn!(%error, "gRPC: cannot accept connections");
                sleep(PAUSE).await;
            }
            Err(error) => tracing::debug!(%error, "gRPC: connection ended before it was accepted"),
        }
    }
}

/// Returns whether the system has run out of files or memory, so that an immediate retry would fail.
fn lacks_resources(error: &io::Error) -> bool {
    let lacking = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|error| lacking.contains(&error))
}

/// A connection that releases its permit when it is dropped.
pub(super) struct Connection {
    stream: tls::Stream,
    info: TcpConnectInfo,
    /// `None` after the preface was received.
    preface: Option<PrefaceTimeout>,
    _permit: OwnedSemaphorePermit,
}

/// The timeout of a connection whose preface was not received yet.
struct PrefaceTimeout {
    bytes: usize,
    deadline: Pin<Box<Sleep>>,
}

impl Connection {
    /// Ends an operation that waits when the preface is overdue. With TLS, the server waits for the handshake when it writes its
    /// settings, before it reads.
    fn limit<T>(
        &mut self,
        context: &mut Context<'_>,
        operation: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match &mut self.preface {
            Some(preface) if operation.is_pending() => {
                let deadline = preface.deadline.as_mut().poll(context);
                deadline.map(|()| Err(io::ErrorKind::TimedOut.into()))
            }
            Some(_) | None => operation,
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.info.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let read = self.limit(context, read);
        if let Some(preface) = &mut self.preface {
            preface.bytes += buffer.filled().len() - before;
            if preface.bytes >= PREFACE_LENGTH {
                self.preface = None;
            }
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.limit(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.limit(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
