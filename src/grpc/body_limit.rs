//! Limits the memory and the duration of calls.
//!
//! The layer receives, decompresses and decodes the messages of inference itself. tonic would decompress them before they are
//! counted, and its stream would keep the buffer of the largest message until the stream ends. tonic gets an empty message for each,
//! and the handler takes the decoded one from [`Incoming`]. Messages of other calls are small and pass through tonic.

mod assembler;
mod encoding;
pub(crate) mod fuzzing;
mod incoming;
mod memory;
mod message_wait;
mod request_body;
mod response_body;

use std::{
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::sync::watch;
use tonic::{
    body::Body,
    codegen::{
        Service,
        http::{Request, Response},
    },
};
use tower_layer::Layer;

pub(super) use self::incoming::{Incoming, Received};
use self::{
    encoding::Encoding,
    memory::Memory,
    message_wait::MessageWait,
    request_body::{Failure, RequestBody},
    response_body::ResponseBody,
};
use super::calls;
use crate::intake::memory_limit::BodyMemoryLimit;

/// Timeouts of the messages of a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    /// Maximum time to receive a message. It starts with the head of a unary call, and with the first bytes of each message of a
    /// stream.
    pub(super) message: Duration,
    /// Maximum time that a stream waits for its next message.
    pub(super) idle: Duration,
}

/// Applies the limits to a service.
#[derive(Clone)]
pub(super) struct BodyLimitLayer {
    memory: Memory,
    timeouts: Timeouts,
    /// Whether incomplete messages are rejected.
    closed: watch::Receiver<bool>,
}

impl BodyLimitLayer {
    /// Creates the layer. Messages of inference have at most `max_body` bytes and count in `bodies`. Incomplete messages are
    /// rejected while `closed` is true.
    pub(super) fn new(
        max_body: usize,
        bodies: BodyMemoryLimit,
        timeouts: Timeouts,
        closed: watch::Receiver<bool>,
    ) -> Self {
        Self {
            memory: Memory::new(max_body, bodies),
            timeouts,
            closed,
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

impl<S> Service<Request<Body>> for BodyLimitService<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let call = calls::find(request.uri().path());
        let memory = self.limits.memory.of(call);
        let reserved = match memory.reserve_call(request.headers()) {
            Ok(reserved) => reserved,
            Err(status) => return std::future::ready(Ok(status.into_http())).boxed(),
        };
        let encoding = Encoding::take(request.headers_mut());
        let incoming = Incoming::default();
        request.extensions_mut().insert(incoming.clone());
        let BodyLimitLayer {
            timeouts, closed, ..
        } = &self.limits;
        let wait = MessageWait::new(call.is_stream, *timeouts, closed.clone());
        let limits = memory.clone();
        let failure = Failure::default();
        let failed = failure.clone();
        let request = request.map(|body| {
            Body::new(RequestBody::new(
                body, call, limits, encoding, wait, incoming, failed,
            ))
        });
        let response = self.inner.call(request);
        async move {
            let response = response.await?;
            let wrap = |body| Body::new(ResponseBody::new(body, memory, failure, reserved));
            Ok(response.map(wrap))
        }
        .boxed()
    }
}
