//! Detects clients that disconnect over HTTP/2. Over HTTP/1 actix drops a handler whose connection has ended; over HTTP/2 it
//! lets the handler run to its end.
//!
//! Polling is a limit of actix: it offers no event for a reset stream, and a body that was read completely does not wake its
//! task when its stream is reset. This module therefore polls the body of each pending HTTP/2 request every 100 ms.

use std::{
    cell::RefCell,
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::{
    HttpMessage, ResponseError,
    dev::{Payload, ServiceRequest},
    error::PayloadError,
    http::{StatusCode, Version},
    web::Bytes,
};
use futures_util::{FutureExt, Stream};

/// Poll interval of the body.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Status of requests whose client disconnected before the response, in log and metrics only.
pub(super) const CLIENT_DISCONNECTED: u16 = 499;

/// The client disconnected before the response. It does not receive this error.
#[derive(Debug, thiserror::Error)]
#[error("the client disconnected before the response")]
pub(super) struct ClientDisconnected;

impl ResponseError for ClientDisconnected {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(CLIENT_DISCONNECTED).expect("499 is a valid status code")
    }
}

/// The body of a request, which is polled again after the handler has read it.
#[derive(Clone)]
struct Body(Rc<RefCell<Inner>>);

struct Inner {
    payload: Payload,
    ended: bool,
}

/// Completes when the client of an HTTP/2 request has reset its stream or disconnected after the handler has read the body.
/// For other requests it never completes.
pub(super) fn client_disconnected(
    request: &mut ServiceRequest,
) -> impl Future<Output = ()> + use<> {
    let body = (request.version() == Version::HTTP_2).then(|| {
        let payload = request.take_payload();
        let body = Body(Rc::new(RefCell::new(Inner {
            payload,
            ended: false,
        })));
        request.set_payload(Payload::Stream {
            payload: Box::pin(body.clone()),
        });
        body
    });
    async move {
        let Some(body) = body else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(POLL_INTERVAL).await;
            if body.is_reset() {
                return;
            }
        }
    }
}

impl Body {
    /// Returns whether the stream has failed since the handler dropped or finished it.
    fn is_reset(&self) -> bool {
        let handler_reads = Rc::strong_count(&self.0) > 1;
        let mut inner = self.0.borrow_mut();
        if handler_reads && !inner.ended {
            return false;
        }
        // The handler does not read the rest of the body.
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
