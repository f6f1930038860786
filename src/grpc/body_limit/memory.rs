//! The memory limits of calls.

use tonic::{Status, codegen::http::HeaderMap};

use crate::{
    grpc::calls::{Call, MemoryClass},
    intake::{
        buffer::BufferError,
        memory_limit::{BodyMemoryLimit, Reservation},
    },
};

/// Memory of a call in bytes without headers and messages: its HTTP/2 stream, its task, and the buffers of tonic.
const CALL: usize = 16 << 10;

/// Memory of a header in bytes without its name and value. The lists of headers double their capacity.
const HEADER: usize = 256;

/// Maximum size of a message that is not an inference, in bytes. Such messages contain names.
const MAX_SMALL_MESSAGE: usize = 16 << 10;

/// Number of copies of a small message: received, in the buffer of tonic, decoded, and up to three in a response of reflection.
const SMALL_COPIES: usize = 6;

/// Memory limit in bytes of all calls of the class [`MemoryClass::Small`], and of all calls of the class [`MemoryClass::Observer`].
/// Calls of one class cannot exhaust the memory of the others.
const CLASS_LIMIT: usize = 32 << 20;

/// The limits of all calls of a server.
#[derive(Clone)]
pub(super) struct Memory {
    inference: CallMemory,
    small: CallMemory,
    observers: CallMemory,
}

/// The limits of the calls of one class.
#[derive(Clone)]
pub(super) struct CallMemory {
    class: MemoryClass,
    limit: BodyMemoryLimit,
    /// Maximum size of a message in bytes, compressed and decompressed.
    pub(super) max_message: usize,
}

impl Memory {
    pub(super) fn new(max_body: usize, bodies: BodyMemoryLimit) -> Self {
        let class = |class| CallMemory {
            class,
            limit: BodyMemoryLimit::new(CLASS_LIMIT),
            max_message: MAX_SMALL_MESSAGE,
        };
        Self {
            inference: CallMemory {
                class: MemoryClass::Inference,
                limit: bodies,
                max_message: max_body,
            },
            small: class(MemoryClass::Small),
            observers: class(MemoryClass::Observer),
        }
    }

    /// Returns the limits of a call.
    pub(super) fn of(&self, call: Call) -> CallMemory {
        match call.memory {
            MemoryClass::Inference => self.inference.clone(),
            MemoryClass::Small => self.small.clone(),
            MemoryClass::Observer => self.observers.clone(),
        }
    }
}

impl CallMemory {
    /// Creates an empty reservation.
    pub(super) fn reservation(&self) -> Reservation {
        self.limit.reservation()
    }

    /// Reserves the memory of a call without its messages.
    ///
    /// # Errors
    /// Returns an error if the limit is exhausted.
    pub(super) fn reserve_call(&self, headers: &HeaderMap) -> Result<Reservation, Status> {
        let sizes = headers
            .iter()
            .map(|(name, value)| HEADER + name.as_str().len() + value.len());
        let reservation = self.reservation();
        self.reserve(&reservation, CALL + sizes.sum::<usize>())?;
        Ok(reservation)
    }

    /// Reserves the memory of the copies of a received small message.
    ///
    /// # Errors
    /// Returns an error if the limit is exhausted.
    pub(super) fn reserve_copies(
        &self,
        reservation: &Reservation,
        length: usize,
    ) -> Result<(), Status> {
        self.reserve(reservation, (SMALL_COPIES - 1) * length)
    }

    /// Reserves memory.
    ///
    /// # Errors
    /// Returns an error if the limit is exhausted.
    pub(super) fn reserve(&self, reservation: &Reservation, bytes: usize) -> Result<(), Status> {
        if reservation.reserve(bytes) {
            Ok(())
        } else {
            Err(self.exhausted())
        }
    }

    /// Returns the status of a call or message that exceeds the limit.
    pub(super) fn exhausted(&self) -> Status {
        Status::unavailable(match self.class {
            MemoryClass::Inference => {
                "other requests use all of --max-body-memory; try again later"
            }
            MemoryClass::Small | MemoryClass::Observer => {
                "too many calls are open; try again later"
            }
        })
    }

    /// Returns the status of a message that is too long. The code is that of gRPC's own libraries.
    pub(super) fn too_long(&self, length: impl std::fmt::Display) -> Status {
        Status::resource_exhausted(match self.class {
            MemoryClass::Inference => {
                format!("the message has {length} bytes, which exceeds --max-body")
            }
            MemoryClass::Small | MemoryClass::Observer => format!(
                "the message has {length} bytes; the maximum of this call is {MAX_SMALL_MESSAGE}"
            ),
        })
    }

    /// Returns the status of a buffer that cannot grow.
    pub(super) fn status(&self, error: &BufferError) -> Status {
        match error {
            BufferError::Exhausted => self.exhausted(),
            BufferError::TooLong { max } => self.too_long(format_args!("more than {max}")),
            BufferError::Io(error) => {
                Status::internal(format!("cannot decompress the message: {error}"))
            }
        }
    }
}
