//! As many connections as there may be; more wait in the listener's backlog until one closes.

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

/// Bytes with which every client of HTTP/2 begins (RFC 9113, section 3.4).
const PREFACE: usize = 24;

/// How long nothing is accepted where the system has nothing left to do it with.
const PAUSE: Duration = Duration::from_millis(500);

/// Accepts a connection whenever there are fewer than `most`; each begins within `preface_timeout`.
pub(super) fn limited(
    incoming: TcpIncoming,
    most: usize,
    preface_timeout: Duration,
) -> impl Stream<Item = io::Result<Connection>> {
    let room = Arc::new(Semaphore::new(most));
    stream::unfold((incoming, room), move |(mut incoming, room)| async move {
        let permit = Arc::clone(&room).acquire_owned().await.ok()?;
        let stream = accept(&mut incoming).await?;
        let begins = PrefaceTimeout { bytes: 0, late: Box::pin(sleep(preface_timeout)) };
        let connection = Connection { stream, begins: Some(begins), _permit: permit };
        Some((Ok(connection), (incoming, room)))
    })
}

/// The next connection, however long none can be accepted.
async fn accept(incoming: &mut TcpIncoming) -> Option<TcpStream> {
    loop {
        match incoming.next().await? {
            Ok(stream) => return Some(stream),
            Err(error) if lacks_resources(&error) => {
                tracing::warn!("gRPC: no connection can be accepted: {error}");
                sleep(PAUSE).await;
            }
            Err(error) => tracing::debug!("gRPC: a connection ended before it began: {error}"),
        }
    }
}

/// Whether the system has no more files or memory: it is no use to ask again at once.
fn lacks_resources(error: &io::Error) -> bool {
    let lacking = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|error| lacking.contains(&error))
}

/// A connection that makes room when it is gone.
pub(super) struct Connection {
    stream: TcpStream,
    /// Until its client has said that it speaks HTTP/2.
    begins: Option<PrefaceTimeout>,
    _permit: OwnedSemaphorePermit,
}

/// A client that has not yet said what it speaks.
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
        let Some(begins) = &mut self.begins else { return read };
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
