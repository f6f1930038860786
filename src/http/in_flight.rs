//! The requests that are being answered, counted to the last byte of a large answer: actix drains HTTP/1 connections by
//! itself, and never closes one of HTTP/2.

use std::{
    error::Error,
    pin::Pin,
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

/// How often an ending server looks whether all requests are answered.
const LOOK: Duration = Duration::from_millis(20);
/// What the last answers get to leave by, once they are handed over to their connections.
const LINGER: Duration = Duration::from_millis(250);
/// A body of more bytes is handed over in pieces of so many, as the client takes them.
const PIECE: usize = 32 << 10;

/// Counts requests between their head and their answer.
pub struct InFlight {
    requests: Arc<AtomicUsize>,
    most: usize,
    closed: AtomicBool,
}

/// One request; dropping it counts it out.
pub(super) struct Request(Arc<AtomicUsize>);

impl InFlight {
    /// Of so many requests at most: over HTTP/1 as many as there are connections, while one of HTTP/2 sends as many as it
    /// likes.
    pub fn at_most(most: usize) -> Self {
        Self { requests: Arc::default(), most, closed: AtomicBool::new(false) }
    }

    /// Counts a request in.
    pub(super) fn enter(&self) -> Request {
        self.requests.fetch_add(1, Ordering::Relaxed);
        Request(Arc::clone(&self.requests))
    }

    /// Whether there are more requests than may be.
    pub(super) fn too_many(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > self.most
    }

    /// From now on connections that stay open should take no more requests.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Whether requests are no longer taken.
    pub(super) fn closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Waits until every request is answered and its answer on the way: the last one may have been counted out just now.
    pub async fn answered(&self) {
        let busy = || self.requests.load(Ordering::Relaxed) > 0;
        loop {
            while busy() {
                tokio::time::sleep(LOOK).await;
            }
            tokio::time::sleep(LINGER).await;
            if !busy() {
                return;
            }
        }
    }
}

impl Request {
    /// The body, which counts as unanswered until the connection has taken nearly all of it. A small one is as it was.
    pub(super) fn until_sent(self, body: BoxBody) -> BoxBody {
        match body.size() {
            BodySize::Sized(size) if size > PIECE as u64 => {}
            BodySize::Stream => {}
            BodySize::None | BodySize::Sized(_) => return body,
        }
        let size = body.size();
        BoxBody::new(TrackedBody { body, size, rest: Bytes::new(), _request: self })
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A body that is sent.
struct TrackedBody {
    body: BoxBody,
    size: BodySize,
    /// What the body gave and the connection has not taken yet.
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
        let held = self.get_mut();
        if held.rest.is_empty() {
            match ready!(Pin::new(&mut held.body).poll_next(cx)) {
                Some(Ok(bytes)) => held.rest = bytes,
                end => return Poll::Ready(end),
            }
        }
        let piece = PIECE.min(held.rest.len());
        Poll::Ready(Some(Ok(held.rest.split_to(piece))))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[actix_web::test]
    async fn a_large_body_is_unanswered_until_its_last_piece() {
        let in_flight = InFlight::at_most(8);
        let bytes: Bytes = vec![7; 3 * PIECE + 1].into();
        let mut body = in_flight.enter().until_sent(BoxBody::new(bytes.clone()));
        assert_eq!(body.size(), BodySize::Sized(bytes.len() as u64));
        let mut sent = Vec::new();
        while let Some(piece) = poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await {
            sent.extend(piece.unwrap());
            assert_eq!(in_flight.requests.load(Ordering::Relaxed), 1);
        }
        assert_eq!(sent, bytes);
        drop(body);
        in_flight.answered().await;
    }

    #[actix_web::test]
    async fn a_small_body_is_as_good_as_sent() {
        let in_flight = InFlight::at_most(8);
        let _body = in_flight.enter().until_sent(BoxBody::new("small"));
        assert_eq!(in_flight.requests.load(Ordering::Relaxed), 0);
    }
}
