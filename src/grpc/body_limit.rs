//! Limits the bytes and the duration of the messages of a call. Bytes are reserved in the memory limit of bodies.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};
use tonic::{
    Status,
    body::Body,
    codegen::{Service, http::Request},
};
use tower_layer::Layer;

use super::{
    calls,
    frame::{FrameTracker, TooLong},
};
use crate::intake::memory_limit::{BodyMemoryLimit, Reservation};

/// The bytes that were reserved while a message was received. The call releases them when it has the message.
#[derive(Clone)]
pub(super) struct Incoming(pub(super) Reservation);

/// Applies the limits to a service.
#[derive(Clone)]
pub(super) struct BodyLimitLayer {
    max_body: usize,
    memory: BodyMemoryLimit,
    timeout: Duration,
}

impl BodyLimitLayer {
    /// Creates the layer. Messages have at most `max_body` bytes, reserve memory in `memory`, and must arrive within the timeout, which starts with the head of a
    /// unary call and with the first bytes of each message of a stream.
    pub(super) fn new(max_body: usize, memory: BodyMemoryLimit, timeout: Duration) -> Self {
        Self {
            max_body,
            memory,
            timeout,
        }
    }
}

impl<S> Layer<S> for BodyLimitLayer {
    type Service = BodyLimitService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        BodyLimitService {
            inner,
            limits: self.clone(),
        }
    }
}

/// A service with limited bodies.
#[derive(Clone)]
pub(super) struct BodyLimitService<S> {
    inner: S,
    limits: BodyLimitLayer,
}

impl<S: Service<Request<Body>>> Service<Request<Body>> for BodyLimitService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let BodyLimitLayer {
            max_body,
            memory,
            timeout,
        } = &self.limits;
        let reservation = memory.reservation();
        request
            .extensions_mut()
            .insert(Incoming(reservation.clone()));
        let is_stream = calls::find(request.uri().path()).is_stream;
        let (max_body, timeout) = (*max_body, *timeout);
        self.inner.call(request.map(|body| {
            let deadline = (!is_stream).then(|| Box::pin(sleep(timeout)));
            let tracker = FrameTracker::new(max_body);
            Body::new(LimitedBody {
                body,
                reservation,
                tracker,
                is_stream,
                timeout,
                deadline,
            })
        }))
    }
}

/// A body whose bytes are reserved and whose messages have a deadline.
struct LimitedBody {
    body: Body,
    reservation: Reservation,
    tracker: FrameTracker,
    is_stream: bool,
    timeout: Duration,
    /// Deadline of the expected message; for a stream it starts with the first wait for the rest of a message.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl LimitedBody {
    /// Waits for the rest of a message until its deadline.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.is_stream && !self.tracker.in_message() {
            return Poll::Pending;
        }
        let timeout = self.timeout;
        let deadline = self
            .deadline
            .get_or_insert_with(|| Box::pin(sleep(timeout)));
        deadline.as_mut().poll(context).map(|()| {
            Some(Err(Status::deadline_exceeded(
                "the message was not received within --body-timeout",
            )))
        })
    }
}

impl http_body::Body for LimitedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
            return self.wait(context);
        };
        let bytes = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(&[][..], |data| data),
            Some(Err(_)) | None => &[],
        };
        match self.tracker.feed(bytes) {
            Ok(true) if self.is_stream => self.deadline = None,
            Ok(_) => {}
            Err(too_long) => return Poll::Ready(Some(Err(too_long.into()))),
        }
        Poll::Ready(if self.reservation.reserve(bytes.len()) {
            frame
        } else {
            Some(Err(body_memory_exhausted()))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl From<TooLong> for Status {
    /// The code is that of gRPC's own libraries, and of tonic for a message that exceeds the limit after decompression.
    fn from(TooLong { length }: TooLong) -> Self {
        Self::resource_exhausted(format!(
            "the message has {length} bytes, which exceeds --max-body"
        ))
    }
}

/// Returns the status of a message that exceeds the memory limit.
pub(super) fn body_memory_exhausted() -> Status {
    Status::unavailable("other requests use all of --max-body-memory; try again later")
}
