//! Hands decoded messages from the body of a call to its handler.

use std::sync::{Arc, Mutex};

use crate::{grpc::proto::ModelInferRequest, intake::memory_limit::Reservation};

/// A decoded message.
pub(in crate::grpc) struct Received {
    pub(in crate::grpc) message: ModelInferRequest,
    /// The memory of the message. It must be held as long as the message.
    pub(in crate::grpc) reservation: Reservation,
}

/// The decoded message that the handler has not taken yet. It is an extension of the request.
#[derive(Clone, Default)]
pub(in crate::grpc) struct Incoming(Arc<Mutex<Option<Received>>>);

impl Incoming {
    /// Stores a message. The handler takes it before the next one is received.
    pub(super) fn put(&self, received: Received) {
        *mien_host::sync::lock(&self.0) = Some(received);
    }

    /// Takes the message that was received last.
    pub(in crate::grpc) fn take(&self) -> Option<Received> {
        mien_host::sync::lock(&self.0).take()
    }
}
