//! The body of a call: receives its messages within the limits.

use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body as _, Frame};
use prost::Message as _;
use tonic::{Status, body::Body};

use super::{
    assembler::{Assembler, Message},
    encoding::Encoding,
    incoming::{Incoming, Received},
    memory::CallMemory,
    message_wait::MessageWait,
};
use crate::{
    grpc::{
        calls::{Call, MemoryClass},
        message_memory,
        proto::ModelInferRequest,
    },
    intake::memory_limit::Reservation,
};

/// A message without content.
const EMPTY_MESSAGE: &[u8] = &[0; 5];

type Result<T> = std::result::Result<T, Status>;

/// Why the body of a call ended. The service of reflection ends its response without an error then.
pub(super) type Failure = Arc<OnceLock<Status>>;

/// A body that gives tonic one frame per message.
pub(super) struct RequestBody {
    body: Body,
    call: Call,
    memory: CallMemory,
    encoding: Option<Encoding>,
    wait: MessageWait,
    incoming: Incoming,
    assembler: Assembler,
    /// Received bytes after the end of the last message.
    rest: Bytes,
    /// Memory of the small message that tonic got last. It is released when the next message is complete.
    last: Option<Reservation>,
    failure: Failure,
    is_ended: bool,
}

impl RequestBody {
    pub(super) fn new(
        body: Body,
        call: Call,
        memory: CallMemory,
        encoding: Option<Encoding>,
        wait: MessageWait,
        incoming: Incoming,
        failure: Failure,
    ) -> Self {
        Self {
            body,
            call,
            assembler: Assembler::new(memory.clone()),
            memory,
            encoding,
            wait,
            incoming,
            rest: Bytes::new(),
            last: None,
            failure,
            is_ended: false,
        }
    }

    /// Returns the frame of the next message that was received completely.
    fn next_message(&mut self) -> Result<Option<Frame<Bytes>>> {
        let Some(message) = self.assembler.feed(&mut self.rest)? else {
            return Ok(None);
        };
        self.wait.restart();
        // A client need not end its unary call before the response. Further messages are not read.
        self.is_ended = !self.call.is_stream;
        self.frame(message).map(Some)
    }

    /// Decompresses a message. The message of an inference is decoded for the handler.
    fn frame(&mut self, message: Message) -> Result<Frame<Bytes>> {
        let Message {
            is_compressed,
            mut bytes,
            mut reservation,
        } = message;
        if is_compressed {
            let encoding = self.encoding.ok_or_else(|| {
                Status::internal("the message is compressed, but the call has no grpc-encoding")
            })?;
            (bytes, reservation) = encoding.decompress(&bytes, &self.memory)?;
        }
        match self.call.memory {
            MemoryClass::Inference => {
                let more = message_memory::decoded(&bytes)?;
                self.memory.reserve(&reservation, more)?;
                let message = ModelInferRequest::decode(Bytes::from(bytes))
                    .map_err(|error| Status::internal(error.to_string()))?;
                self.incoming.put(Received {
                    message,
                    reservation,
                });
                Ok(Frame::data(Bytes::from_static(EMPTY_MESSAGE)))
            }
            MemoryClass::Small | MemoryClass::Observer => {
                self.memory.reserve_copies(&reservation, bytes.len())?;
                self.last = Some(reservation);
                Ok(Frame::data(framed(&bytes)))
            }
        }
    }

    /// Stores received bytes.
    fn receive(&mut self, bytes: Bytes) {
        if !self.assembler.in_message() {
            // A message begins, so the idle timeout does not apply any more.
            self.wait.restart();
        }
        self.rest = bytes;
    }
}

/// Returns a message with its prefix.
fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).expect("small messages are limited");
    [&[0], &length.to_be_bytes()[..], message].concat().into()
}

impl RequestBody {
    fn poll_message(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        loop {
            if self.is_ended {
                return Poll::Ready(None);
            }
            if let Some(frame) = self.next_message()? {
                return Poll::Ready(Some(Ok(frame)));
            }
            let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
                let end = self.wait.poll_end(self.assembler.in_message(), context);
                return end.map(|status| Some(Err(status)));
            };
            match frame.transpose()?.map(Frame::into_data) {
                Some(Ok(bytes)) => self.receive(bytes),
                // Trailers, or the end.
                Some(Err(_)) | None if self.assembler.in_message() => {
                    let status = Status::internal("the call ended within a message");
                    return Poll::Ready(Some(Err(status)));
                }
                Some(Err(_)) | None => self.is_ended = true,
            }
        }
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>>>> {
        let frame = ready!(self.poll_message(context));
        if let Some(Err(status)) = &frame {
            self.is_ended = true;
            // The first failure is reported.
            let _ = self.failure.set(status.clone());
        }
        Poll::Ready(frame)
    }
}
