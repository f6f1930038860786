//! The body of a request, which the connection reads only as fast as the handler.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker, ready},
};

use actix_web::{
    HttpMessage,
    dev::{Payload, ServiceRequest},
    error::PayloadError,
    http::header::{CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE},
    web::Bytes,
};
use futures_util::Stream;

use super::{ActiveRequest, Activity, read_limit::READ_AHEAD};

/// Whether the body of a pending request was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyState {
    /// The body is absent or small, or its end was received.
    Complete,
    /// The end of the body was not received.
    Incomplete,
}

impl Activity {
    /// Notes that the head of a request was received. The request ends when the result is dropped.
    pub(in crate::http) fn start_request(
        self: &Rc<Self>,
        request: &mut ServiceRequest,
    ) -> ActiveRequest {
        match small_length(request) {
            Some(length) => self.start_processing(BodyState::Complete, length),
            None => {
                self.start_processing(BodyState::Incomplete, 0);
                let body = TrackedBody {
                    payload: request.take_payload(),
                    is_polled: false,
                    activity: Rc::clone(self),
                };
                request.set_payload(Payload::Stream {
                    payload: Box::pin(body),
                });
            }
        }
        ActiveRequest(Rc::clone(self))
    }
}

/// Returns the length of an absent or small body. The messages of a WebSocket are the body of its handshake.
fn small_length(request: &ServiceRequest) -> Option<usize> {
    let headers = request.headers();
    let upgrade = headers.get(UPGRADE);
    let is_websocket =
        upgrade.is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"));
    if headers.contains_key(TRANSFER_ENCODING) || is_websocket {
        return None;
    }
    let Some(length) = headers.get(CONTENT_LENGTH) else {
        return Some(0);
    };
    let length = length.to_str().ok()?.parse().ok()?;
    (length <= READ_AHEAD).then_some(length)
}

/// A body that is chunked or large. The connection receives it when the handler reads it.
struct TrackedBody {
    payload: Payload,
    is_polled: bool,
    activity: Rc<Activity>,
}

impl Stream for TrackedBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let body = self.get_mut();
        if !body.is_polled {
            body.is_polled = true;
            body.activity.start_body();
        }
        let next = ready!(Pin::new(&mut body.payload).poll_next(context));
        if next.is_none() {
            body.activity.end_body();
        }
        Poll::Ready(next)
    }
}

impl Drop for TrackedBody {
    fn drop(&mut self) {
        if self.activity.body.get() == BodyState::Complete {
            return;
        }
        // A multipart reader stops after the last boundary; the end of the body may have been received nevertheless.
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(None) = Pin::new(&mut self.payload).poll_next(&mut context) {
            self.activity.end_body();
        }
    }
}
