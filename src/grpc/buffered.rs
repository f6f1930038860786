//! Counts the bytes of calls that are being received against the memory that bodies may take.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use http_body::{Frame, SizeHint};
use tonic::{
    Status,
    body::Body,
    codegen::{Service, http::Request},
};
use tower_layer::Layer;

use crate::budget::{BodyBudget, BodyShare};

/// What a call's message has taken while it came in. The call gives it back once it has the message.
#[derive(Clone)]
pub(super) struct Incoming(pub(super) BodyShare);

/// Wraps services whose calls are counted.
#[derive(Clone)]
pub(super) struct Buffered(BodyBudget);

impl Buffered {
    pub(super) fn new(budget: BodyBudget) -> Self {
        Self(budget)
    }
}

impl<S> Layer<S> for Buffered {
    type Service = Counting<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Counting { inner, budget: self.0.clone() }
    }
}

/// A service whose calls' bodies are counted.
#[derive(Clone)]
pub(super) struct Counting<S> {
    inner: S,
    budget: BodyBudget,
}

impl<S: Service<Request<Body>>> Service<Request<Body>> for Counting<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let share = self.budget.share();
        request.extensions_mut().insert(Incoming(share.clone()));
        self.inner.call(request.map(|body| Body::new(Counted { body, share })))
    }
}

/// A body whose bytes are taken from a share.
struct Counted {
    body: Body,
    share: BodyShare,
}

impl http_body::Body for Counted {
    type Data = <Body as http_body::Body>::Data;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let bytes = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(0, |data| data.len()),
            Some(Err(_)) | None => 0,
        };
        Poll::Ready(if self.share.take(bytes) { frame } else { Some(Err(no_memory())) })
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
