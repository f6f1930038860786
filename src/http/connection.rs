//! A connection with limits. actix limits only the head of the first request and, if no byte follows, the time between two
//! requests. It limits neither the head of a later request nor the rest of a body that the handler has not read. Its limits of
//! memory apply per connection: 128 KiB for a head, and 16 heads behind a pending request.

mod activity;
mod service;

use std::{
    io::{self, IoSlice},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

pub(super) use self::activity::{
    ActiveRequest, Activity, StaticBody, head_memory, response_memory,
};
pub use self::service::service;
use super::connections::{Connections, OpenConnection};
use crate::tls::Stream;

/// Time limits of connections.
#[derive(Debug, Clone, Copy)]
pub struct TimeLimits {
    /// Maximum time to receive the head of a request.
    pub header_timeout: Duration,
    /// Maximum time without a request.
    pub keep_alive: Duration,
}

/// The response to a head that is not received in time. A connection with TLS closes without it.
const REQUEST_TIMEOUT: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// A connection that ends at the deadline of its [`Activity`], as if the client had closed it.
struct Connection {
    stream: Stream,
    /// Whether bytes of a response wait until the client reads.
    is_write_blocked: bool,
    activity: Rc<Activity>,
    /// Completes no later than the deadline of the activity.
    timer: Pin<Box<Sleep>>,
    /// Completes when the server stops.
    closing: Pin<Box<dyn Future<Output = ()>>>,
    is_closing: bool,
    _open: OpenConnection,
}

impl Connection {
    fn new(stream: Stream, connections: &Arc<Connections>, limits: TimeLimits) -> Self {
        let activity = Rc::new(Activity::new(limits, Arc::clone(connections)));
        Self {
            stream,
            is_write_blocked: false,
            timer: Box::pin(sleep_until(activity.next_check())),
            activity,
            closing: connections.closing(),
            is_closing: false,
            _open: OpenConnection::new(Arc::clone(connections)),
        }
    }

    /// Waits for the end of a connection that has no bytes to read.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.activity.set_waker(context.waker()) {
            // This only registers the waker; the state of the server is read below.
            let _ = self.closing.as_mut().poll(context);
        }
        if !self.is_closing && self.activity.connections.is_closing() {
            self.is_closing = true;
            self.activity.start_closing(Instant::now());
        }
        loop {
            let check = self.activity.next_check();
            if check < self.timer.deadline() {
                self.timer.as_mut().reset(check);
            }
            ready!(self.timer.as_mut().poll(context));
            if self.activity.is_expired(Instant::now()) {
                return Poll::Ready(self.end());
            }
            self.timer.as_mut().reset(self.activity.next_check());
        }
    }

    fn note_write(&mut self, is_blocked: bool) {
        self.is_write_blocked = is_blocked;
        if !is_blocked {
            self.activity.send();
        }
    }

    /// Ends the connection at its deadline, with a response if the server waits for a head.
    ///
    /// # Errors
    /// Returns an error if the client does not read. actix would otherwise wait for it.
    fn end(&self) -> io::Result<()> {
        if self.is_write_blocked {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if self.activity.awaits_head() {
            self.stream.try_write_plain(REQUEST_TIMEOUT);
        }
        Ok(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = if self.activity.may_read() {
            Pin::new(&mut self.stream).poll_read(context, buffer)
        } else {
            Poll::Pending
        };
        if read.is_pending() {
            return self.poll_end(context);
        }
        let bytes = buffer.filled().len() - before;
        if bytes > 0 && !self.activity.receive(bytes) {
            buffer.set_filled(before);
            return Poll::Ready(self.end());
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
        self.note_write(written.is_pending());
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.note_write(written.is_pending());
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        // TLS accepts more bytes than the system.
        self.is_write_blocked = flushed.is_pending();
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
