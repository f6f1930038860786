//! Compression of messages.

use flate2::read::{GzDecoder, ZlibDecoder};
use tonic::{Status, codegen::http::HeaderMap};

use super::memory::CallMemory;
use crate::intake::{buffer::ReservedBuffer, memory_limit::Reservation};

/// Header with the compression of the messages of a call.
const HEADER: &str = "grpc-encoding";

/// A supported compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Gzip,
    Deflate,
}

impl Encoding {
    /// Removes the header of a supported compression, because tonic gets decompressed messages. tonic rejects other values.
    pub(super) fn take(headers: &mut HeaderMap) -> Option<Self> {
        let encoding = match headers.get(HEADER)?.as_bytes() {
            b"gzip" => Self::Gzip,
            b"deflate" => Self::Deflate,
            _ => return None,
        };
        headers.remove(HEADER);
        Some(encoding)
    }

    /// Decompresses a message. Its memory is reserved before it is allocated.
    ///
    /// # Errors
    /// Returns an error for an invalid message, for a message over the maximum size, and if the memory limit is exhausted.
    pub(super) fn decompress(
        self,
        compressed: &[u8],
        memory: &CallMemory,
    ) -> Result<(Vec<u8>, Reservation), Status> {
        let reservation = memory.reservation();
        let mut message = ReservedBuffer::new(memory.max_message, reservation.clone());
        let result = match self {
            Self::Gzip => message.append_all(GzDecoder::new(compressed)),
            Self::Deflate => message.append_all(ZlibDecoder::new(compressed)),
        };
        result.map_err(|error| memory.status(&error))?;
        Ok((message.into_bytes(), reservation))
    }
}
