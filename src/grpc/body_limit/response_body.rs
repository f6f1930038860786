//! Counts responses that the client has not received yet.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tonic::{Status, body::Body};

use super::memory::CallMemory;
use crate::intake::memory_limit::Reservation;

/// The body of a response. It holds the memory of its call. Each frame reserves memory until HTTP/2 has sent it, so a client that
/// does not read cannot make responses accumulate.
pub(super) struct ResponseBody {
    body: Body,
    memory: CallMemory,
    _call: Reservation,
}

impl ResponseBody {
    /// Wraps a body. `call` is the memory of the call.
    pub(super) fn new(body: Body, memory: CallMemory, call: Reservation) -> Self {
        Self {
            body,
            memory,
            _call: call,
        }
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
        let counted = frame.and_then(|frame| match frame.into_data() {
            Ok(bytes) => Queued::new(bytes, &self.memory)
                .map(Bytes::from_owner)
                .map(Frame::data),
            Err(trailers) => Ok(trailers),
        });
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
