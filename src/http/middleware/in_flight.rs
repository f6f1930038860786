//! Counts pending requests up to the last byte of a large response, because actix drains HTTP/1 connections but never closes
//! HTTP/2 connections.

use std::{
    error::Error,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    web::Bytes,
};
use tokio::sync::Notify;

/// Grace period for flushing the last responses to their sockets.
const FLUSH_GRACE: Duration = Duration::from_millis(250);
/// Larger bodies are sent in chunks of this size as the client reads them.
const CHUNK_SIZE: usize = 32 << 10;

/// Counts requests between their head and their response.
pub struct InFlight {
    pending: Arc<Pending>,
    max: usize,
}

#[derive(Default)]
struct Pending {
    requests: AtomicUsize,
    closed: AtomicBool,
    /// Wakes the shutdown when the count reaches 0.
    idle: Notify,
}

impl Pending {
    fn count(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// One pending request; dropping it decrements the count.
pub(super) struct Request(Arc<Pending>);

impl InFlight {
    /// Limits the number of requests. Over HTTP/1 it is bounded by the number of connections; one HTTP/2 connection can send any
    /// number.
    pub fn at_most(max: usize) -> Self {
        Self {
            pending: Arc::default(),
            max,
        }
    }

    /// Increments the count.
    pub(super) fn enter(&self) -> Request {
        self.pending.requests.fetch_add(1, Ordering::Relaxed);
        Request(Arc::clone(&self.pending))
    }

    /// Returns whether the limit is exceeded.
    pub(super) fn too_many(&self) -> bool {
        self.pending.count() > self.max
    }

    /// Rejects further requests on open connections.
    pub fn close(&self) {
        self.pending.closed.store(true, Ordering::SeqCst);
    }

    /// Returns whether requests are rejected.
    pub(super) fn closed(&self) -> bool {
        self.pending.closed.load(Ordering::SeqCst)
    }

    /// Waits until every request has a response and the responses are flushed. [`Self::close`] must be called first.
    pub async fn drained(&self) {
        loop {
            let mut idle = pin!(self.pending.idle.notified());
            // From here on no notification is missed.
            idle.as_mut().enable();
            if self.pending.count() > 0 {
                idle.await;
                continue;
            }
            tokio::time::sleep(FLUSH_GRACE).await;
            if self.pending.count() == 0 {
                return;
            }
        }
    }
}

impl Request {
    /// Wraps a large body so that its request counts as pending until the connection has accepted nearly all of it. Small bodies
    /// are returned unchanged.
    pub(super) fn track_until_sent(self, body: BoxBody) -> BoxBody {
        match body.size() {
            BodySize::Sized(size) if size > CHUNK_SIZE as u64 => {}
            BodySize::Stream => {}
            BodySize::None | BodySize::Sized(_) => return body,
        }
        let size = body.size();
        BoxBody::new(TrackedBody {
            body,
            size,
            rest: Bytes::new(),
            _request: self,
        })
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        // The order of both operations is the reverse of that in `close` and `drained`, so no wake-up is lost. Before the
        // shutdown no lock is taken.
        if self.0.requests.fetch_sub(1, Ordering::SeqCst) == 1
            && self.0.closed.load(Ordering::SeqCst)
        {
            self.0.idle.notify_waiters();
        }
    }
}

/// A large body that is being sent.
struct TrackedBody {
    body: BoxBody,
    size: BodySize,
    /// Bytes that the connection has not accepted yet.
    rest: Bytes,
    _request: Request,
}

impl MessageBody for TrackedBody {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let tracked = self.get_mut();
        if tracked.rest.is_empty() {
            match ready!(Pin::new(&mut tracked.body).poll_next(cx)) {
                Some(Ok(bytes)) => tracked.rest = bytes,
                end => return Poll::Ready(end),
            }
        }
        let chunk = CHUNK_SIZE.min(tracked.rest.len());
        Poll::Ready(Some(Ok(tracked.rest.split_to(chunk))))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[actix_web::test]
    async fn large_body_is_pending_until_last_chunk() {
        let in_flight = InFlight::at_most(8);
        let bytes: Bytes = vec![7; 3 * CHUNK_SIZE + 1].into();
        let mut body = in_flight
            .enter()
            .track_until_sent(BoxBody::new(bytes.clone()));
        assert_eq!(body.size(), BodySize::Sized(bytes.len() as u64));
        let mut sent = Vec::new();
        while let Some(chunk) = poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await {
            sent.extend(chunk.unwrap());
            assert_eq!(in_flight.pending.count(), 1);
        }
        assert_eq!(sent, bytes);
        in_flight.close();
        let drained = in_flight.drained();
        drop(body);
        drained.await;
    }

    #[actix_web::test]
    async fn small_body_counts_as_sent() {
        let in_flight = InFlight::at_most(8);
        let _body = in_flight.enter().track_until_sent(BoxBody::new("small"));
        assert_eq!(in_flight.pending.count(), 0);
    }
}
