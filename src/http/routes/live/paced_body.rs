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

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use actix_web::body::BodyStream;
    use futures_util::stream;
    use tokio::sync::mpsc;

    use super::*;

    #[actix_web::test]
    async fn messages_are_accepted_when_body_is_empty() {
        let (sender, mut messages) = mpsc::unbounded_channel();
        let stream = stream::poll_fn(move |context| messages.poll_recv(context));
        let (mut body, accepted) = PacedBody::new(BoxBody::new(BodyStream::new(stream)));
        let mut poll = async || {
            let next = poll_fn(|context| Pin::new(&mut body).poll_next(context));
            next.now_or_never().is_some()
        };
        assert!(!poll().await);
        accepted.reset();
        for _ in 0..2 {
            sender
                .send(Ok::<_, actix_web::Error>(Bytes::from_static(b"message")))
                .unwrap();
        }
        assert!(accepted.all().now_or_never().is_none());
        assert!(poll().await && poll().await);
        assert!(
            accepted.all().now_or_never().is_none(),
            "the body may have more"
        );
        assert!(!poll().await);
        assert!(accepted.all().now_or_never().is_some());
    }
}
