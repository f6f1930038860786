//! The response body of a live connection. It reports when the connection has accepted all messages, so that a client that does not read
//! its results does not fill the queue of actix-ws.

use std::{
    error::Error,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    web::Bytes,
};
use futures_util::FutureExt;
use tokio::sync::Notify;

/// A body with a notification.
pub(super) struct PacedBody {
    body: BoxBody,
    is_empty: Rc<Notify>,
}

/// Waits until the connection has accepted all messages.
pub(super) struct Accepted(Rc<Notify>);

impl PacedBody {
    /// Wraps the body of actix-ws.
    pub(super) fn new(body: BoxBody) -> (Self, Accepted) {
        let is_empty = Rc::new(Notify::new());
        let accepted = Accepted(Rc::clone(&is_empty));
        (Self { body, is_empty }, accepted)
    }
}

impl Accepted {
    /// Forgets the messages before. Must be called before a message is sent.
    pub(super) fn reset(&self) {
        // The body reports each time when it becomes empty.
        let _ = self.0.notified().now_or_never();
    }

    /// Waits until the connection has accepted all messages since [`Self::reset`].
    pub(super) async fn all(&self) {
        self.0.notified().await;
    }
}

impl MessageBody for PacedBody {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let next = Pin::new(&mut self.body).poll_next(context);
        if next.is_pending() {
            self.is_empty.notify_one();
        }
        next
    }
}
