//! Counts responses that the client has not received yet.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tonic::{Code, Status, body::Body, codegen::http::HeaderMap};

use super::{memory::CallMemory, request_body::Failure};
use crate::intake::memory_limit::Reservation;

/// The body of a response. It holds the memory of its call. Each frame reserves memory until HTTP/2 has sent it, so a client that
/// does not read cannot make responses accumulate.
pub(super) struct ResponseBody {
    body: Body,
    memory: CallMemory,
    failure: Failure,
    _call: Reservation,
}

impl ResponseBody {
    /// Wraps a body. `call` is the memory of the call.
    pub(super) fn new(body: Body, memory: CallMemory, failure: Failure, call: Reservation) -> Self {
        Self {
            body,
            memory,
            failure,
            _call: call,
        }
    }

    /// Returns a frame whose memory is counted.
    fn counted(&self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, Status> {
        match frame.into_data() {
            Ok(bytes) => Queued::new(bytes, &self.memory)
                .map(Bytes::from_owner)
                .map(Frame::data),
            Err(trailers) => match trailers.into_trailers() {
                Ok(trailers) => self.with_failure(trailers).map(Frame::trailers),
                Err(other) => Ok(other),
            },
        }
    }

    /// Replaces the status OK if the request failed.
    fn with_failure(&self, mut trailers: HeaderMap) -> Result<HeaderMap, Status> {
        let is_ok = Status::from_header_map(&trailers).is_none_or(|s| s.code() == Code::Ok);
        if let Some(status) = self.failure.get().filter(|_| is_ok) {
            status.add_header(&mut trailers)?;
        }
        Ok(trailers)
    }
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(context)) else {
            return Poll::Ready(None);
        };
        let counted = frame.and_then(|frame| self.counted(frame));
        Poll::Ready(Some(counted))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Bytes that HTTP/2 has not sent yet.
struct Queued {
    bytes: Bytes,
    _reservation: Reservation,
}

impl Queued {
    fn new(bytes: Bytes, memory: &CallMemory) -> Result<Self, Status> {
        let reservation = memory.reservation();
        memory.reserve(&reservation, bytes.len())?;
        Ok(Self {
            bytes,
            _reservation: reservation,
        })
    }
}

impl AsRef<[u8]> for Queued {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
