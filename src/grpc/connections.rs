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
use tonic::transport::server::{Connected, TcpIncoming};

/// The connection preface of HTTP/2 clients (RFC 9113, section 3.4).
const PREFACE: usize = 24;

/// Pause after the system has run out of files or memory.
const PAUSE: Duration = Duration::from_millis(500);

/// Accepts connections while there are fewer than `max`. Each must send its preface within `preface_timeout`.
pub(super) fn limited(
    incoming: TcpIncoming,
    max: usize,
    preface_timeout: Duration,
) -> impl Stream<Item = io::Result<Connection>> {
    let room = Arc::new(Semaphore::new(max));
    stream::unfold((incoming, room), move |(mut incoming, room)| async move {
        let permit = Arc::clone(&room).acquire_owned().await.ok()?;
        let stream = accept(&mut incoming).await?;
        let begins = PrefaceTimeout {
            bytes: 0,
            late: Box::pin(sleep(preface_timeout)),
        };
        let connection = Connection {
            stream,
            begins: Some(begins),
            _permit: permit,
        };
        Some((Ok(connection), (incoming, room)))
    })
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
    stream: TcpStream,
    /// Pending until the preface was received.
    begins: Option<PrefaceTimeout>,
    _permit: OwnedSemaphorePermit,
}

/// The timeout of a connection whose preface was not received yet.
struct PrefaceTimeout {
    bytes: usize,
    late: Pin<Box<Sleep>>,
}

impl Connected for Connection {
    type ConnectInfo = <TcpStream as Connected>::ConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.stream.connect_info()
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
        let Some(begins) = &mut self.begins else {
            return read;
        };
        if read.is_pending() {
            let late = begins.late.as_mut().poll(context);
            return late.map(|()| Err(io::ErrorKind::TimedOut.into()));
        }
        begins.bytes += buffer.filled().len() - before;
        if begins.bytes >= PREFACE {
            self.begins = None;
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
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
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
