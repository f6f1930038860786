//! Assembles the messages of a call (gRPC over HTTP/2, "Length-Prefixed-Message").

use bytes::{Buf, Bytes};
use tonic::Status;

use super::memory::CallMemory;
use crate::intake::{buffer::ReservedBuffer, memory_limit::Reservation};

/// Length of the prefix of a message in bytes: compression flag and message length.
const PREFIX_LENGTH: usize = 5;

/// A buffer of up to this many bytes is allocated at once. The buffer of a longer message grows while the message is received, so
/// that a prefix alone does not reserve memory.
const EAGER: usize = 64 << 10;

/// A received message.
pub(super) struct Message {
    pub(super) is_compressed: bool,
    pub(super) bytes: Vec<u8>,
    /// The memory of the bytes.
    pub(super) reservation: Reservation,
}

/// The message that is being received.
pub(super) struct Assembler {
    memory: CallMemory,
    prefix: [u8; PREFIX_LENGTH],
    /// Number of received bytes of the prefix.
    filled: usize,
    /// The message after its prefix.
    partial: Option<Partial>,
}

struct Partial {
    is_compressed: bool,
    length: usize,
    buffer: ReservedBuffer,
    reservation: Reservation,
}

impl Assembler {
    /// Creates an assembler.
    pub(super) fn new(memory: CallMemory) -> Self {
        Self {
            memory,
            prefix: [0; PREFIX_LENGTH],
            filled: 0,
            partial: None,
        }
    }

    /// Returns whether a message is incomplete.
    pub(super) fn in_message(&self) -> bool {
        self.filled > 0
    }

    /// Takes bytes up to the end of a message, and returns the message if it is complete.
    ///
    /// # Errors
    /// Returns an error for an invalid prefix, for a message over the maximum size, and if the memory limit is exhausted.
    pub(super) fn feed(&mut self, bytes: &mut Bytes) -> Result<Option<Message>, Status> {
        if self.partial.is_none() {
            let count = bytes.len().min(PREFIX_LENGTH - self.filled);
            bytes.copy_to_slice(&mut self.prefix[self.filled..self.filled + count]);
            self.filled += count;
            if self.filled < PREFIX_LENGTH {
                return Ok(None);
            }
            self.partial = Some(self.begin()?);
        }
        let Some(partial) = &mut self.partial else {
            return Ok(None);
        };
        let count = bytes.len().min(partial.length - partial.buffer.len());
        let appended = partial.buffer.append(&bytes[..count]);
        appended.map_err(|error| self.memory.status(&error))?;
        bytes.advance(count);
        if partial.buffer.len() < partial.length {
            return Ok(None);
        }
        self.filled = 0;
        Ok(self.partial.take().map(Partial::finish))
    }

    /// Begins the message of the current prefix.
    fn begin(&self) -> Result<Partial, Status> {
        let [flag, length @ ..] = self.prefix;
        let is_compressed = match flag {
            0 => false,
            1 => true,
            other => {
                return Err(Status::internal(format!(
                    "the message has the invalid compression flag {other}"
                )));
            }
        };
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > self.memory.max_message {
            return Err(self.memory.too_long(length));
        }
        let reservation = self.memory.reservation();
        let mut buffer = ReservedBuffer::new(length, reservation.clone());
        let allocated = buffer.allocate(length.min(EAGER));
        allocated.map_err(|error| self.memory.status(&error))?;
        Ok(Partial {
            is_compressed,
            length,
            buffer,
            reservation,
        })
    }
}

impl Partial {
    fn finish(self) -> Message {
        Message {
            is_compressed: self.is_compressed,
            bytes: self.buffer.into_bytes(),
            reservation: self.reservation,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tonic::Code;

    use super::*;
    use crate::{
        grpc::{body_limit::memory::Memory, calls},
        intake::memory_limit::BodyMemoryLimit,
    };

    fn assembler(max_body: usize, memory: usize) -> Assembler {
        let memory = Memory::new(max_body, BodyMemoryLimit::new(memory));
        Assembler::new(memory.of(calls::find("/inference.GRPCInferenceService/ModelInfer")))
    }

    fn code(assembler: &mut Assembler, bytes: &'static [u8]) -> Code {
        let result = assembler.feed(&mut Bytes::from_static(bytes));
        result.err().map_or(Code::Ok, |status| status.code())
    }

    #[test]
    fn invalid_prefixes_are_rejected() {
        let mut long = assembler(3, 100);
        assert_eq!(code(&mut long, &[0, 0, 0, 0]), Code::Ok);
        assert_eq!(code(&mut long, &[4]), Code::ResourceExhausted);
        assert_eq!(
            code(&mut assembler(3, 100), &[2, 0, 0, 0, 0]),
            Code::Internal
        );
        assert_eq!(
            code(&mut assembler(9, 3), &[0, 0, 0, 0, 4]),
            Code::Unavailable
        );
    }

    #[test]
    fn memory_is_reserved_as_bytes_arrive() {
        let limit = BodyMemoryLimit::new(1 << 20);
        let memory = Memory::new(1 << 20, limit.clone());
        let call = calls::find("/inference.GRPCInferenceService/ModelInfer");
        let mut assembler = Assembler::new(memory.of(call));
        // The prefix declares 1 MiB.
        let mut bytes = Bytes::from_static(&[0, 0, 16, 0, 0, 7]);
        assert!(assembler.feed(&mut bytes).unwrap().is_none());
        assert!(assembler.in_message());
        assert!(limit.reservation().reserve((1 << 20) - EAGER));
        drop(assembler);
        assert!(limit.reservation().reserve(1 << 20));
    }

    proptest! {
        #[test]
        fn messages_are_assembled_at_any_split(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..8),
            cuts in prop::collection::vec(1_usize..30, 1..200),
        ) {
            let mut bytes = Vec::new();
            for message in &messages {
                bytes.push(0);
                bytes.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
                bytes.extend(message);
            }
            let (mut assembler, mut rest, mut received) = (assembler(40, 40), Bytes::from(bytes), Vec::new());
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let mut part = rest.split_to(cut.min(rest.len()));
                while let Some(message) = assembler.feed(&mut part).unwrap() {
                    received.push(message.bytes);
                }
                prop_assert!(part.is_empty());
            }
            prop_assert!(!assembler.in_message());
            prop_assert_eq!(received, messages);
        }
    }
}
