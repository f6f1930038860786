//! Who hung up over HTTP/2. Over HTTP/1 actix drops a handler whose connection has ended; one of HTTP/2 it lets run to its end.

use std::{
    cell::RefCell,
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::{
    HttpMessage,
    dev::{Payload, ServiceRequest},
    error::PayloadError,
    http::Version,
    web::Bytes,
};
use futures_util::{FutureExt, Stream};

/// How often it is asked whether a client is still there: a body that has come to its end wakes nobody when its stream is reset.
const LOOK: Duration = Duration::from_millis(100);

/// A request's body, which its handler reads and which is looked at again after its end.
#[derive(Clone)]
struct Body(Rc<RefCell<Inner>>);

struct Inner {
    payload: Payload,
    ended: bool,
}

/// Ends when the client of a request of HTTP/2 has reset its stream or gone, once its handler has read the body as far as it
/// wants to; of any other request never.
pub(super) fn watch(request: &mut ServiceRequest) -> impl Future<Output = ()> + use<> {
    let body = (request.version() == Version::HTTP_2).then(|| {
        let payload = request.take_payload();
        let body = Body(Rc::new(RefCell::new(Inner { payload, ended: false })));
        request.set_payload(Payload::Stream { payload: Box::pin(body.clone()) });
        body
    });
    async move {
        let Some(body) = body else { return std::future::pending().await };
        loop {
            tokio::time::sleep(LOOK).await;
            if body.is_reset() {
                return;
            }
        }
    }
}

impl Body {
    /// Whether the stream has failed since the handler has let go of it or come to its end.
    fn is_reset(&self) -> bool {
        let handler_reads = Rc::strong_count(&self.0) > 1;
        let mut inner = self.0.borrow_mut();
        if handler_reads && !inner.ended {
            return false;
        }
        // What is left of the body, an end without data at best, is nobody's.
        let next = poll_fn(|context| Pin::new(&mut inner.payload).poll_next(context));
        matches!(next.now_or_never(), Some(Some(Err(_))))
    }
}

impl Stream for Body {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut inner = self.0.borrow_mut();
        let next = ready!(Pin::new(&mut inner.payload).poll_next(context));
        inner.ended = next.is_none();
        Poll::Ready(next)
    }
}
