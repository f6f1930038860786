//! What a call sends: its bytes are counted against the memory that bodies may take, and a message may not trickle.

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

use super::frame::FrameTracker;
use crate::intake::memory_limit::{BodyMemoryLimit, Reservation};

/// What a call's message has taken while it came in. The call gives it back once it has the message.
#[derive(Clone)]
pub(super) struct Incoming(pub(super) Reservation);

/// Calls that may be silent for as long as they like between two messages.
const STREAMS: [&str; 3] = ["ModelStreamInfer", "Watch", "ServerReflectionInfo"];

/// Wraps services whose calls are counted.
#[derive(Clone)]
pub(super) struct BodyLimitLayer {
    budget: BodyMemoryLimit,
    timeout: Duration,
}

impl BodyLimitLayer {
    /// Messages take from the budget and arrive within the timeout: of a call from its head on, of a stream from each
    /// message's first bytes on.
    pub(super) fn new(budget: BodyMemoryLimit, timeout: Duration) -> Self {
        Self { budget, timeout }
    }
}

impl<S> Layer<S> for BodyLimitLayer {
    type Service = BodyLimitService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        BodyLimitService { inner, buffered: self.clone() }
    }
}

/// A service whose calls' bodies are counted.
#[derive(Clone)]
pub(super) struct BodyLimitService<S> {
    inner: S,
    buffered: BodyLimitLayer,
}

impl<S: Service<Request<Body>>> Service<Request<Body>> for BodyLimitService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let BodyLimitLayer { budget, timeout } = &self.buffered;
        let reservation = budget.reservation();
        request.extensions_mut().insert(Incoming(reservation.clone()));
        let call = request.uri().path().rsplit('/').next().unwrap_or_default();
        let is_stream = STREAMS.contains(&call);
        let timeout = *timeout;
        self.inner.call(request.map(|body| {
            let late = (!is_stream).then(|| Box::pin(sleep(timeout)));
            let boundaries = FrameTracker::default();
            Body::new(LimitedBody { body, reservation, boundaries, is_stream, timeout, late })
        }))
    }
}

/// A body whose bytes are taken from a reservation, and whose messages are given up when they are late.
struct LimitedBody {
    body: Body,
    reservation: Reservation,
    boundaries: FrameTracker,
    is_stream: bool,
    timeout: Duration,
    /// When the message that is expected will be late; of a stream from the first wait for the rest of one on.
    late: Option<Pin<Box<Sleep>>>,
}

impl LimitedBody {
    /// Waits for the rest of a message, until it is late.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.is_stream && !self.boundaries.within() {
            return Poll::Pending;
        }
        let timeout = self.timeout;
        let late = self.late.get_or_insert_with(|| Box::pin(sleep(timeout)));
        late.as_mut().poll(context).map(|()| {
            Some(Err(Status::deadline_exceeded("the message did not arrive within --body-timeout")))
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
        if self.boundaries.pass(bytes) && self.is_stream {
            self.late = None;
        }
        Poll::Ready(if self.reservation.reserve(bytes.len()) {
            frame
        } else {
            Some(Err(no_memory()))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The status of a message that finds no room beside others.
pub(super) fn no_memory() -> Status {
    Status::unavailable("there is no memory left for messages; try again")
}
