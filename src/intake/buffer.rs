//! A buffer whose capacity is reserved in the memory limit before it is allocated.

use std::io::{self, Read};

use super::memory_limit::Reservation;

/// Capacity of a buffer after its first byte, unless it has a lower maximum. Then the capacity doubles.
const MIN_CAPACITY: usize = 4 << 10;

/// Number of bytes that are read at a time.
const CHUNK: usize = 16 << 10;

/// Why bytes cannot be appended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BufferError {
    /// The memory limit is exhausted.
    #[error("the memory limit is exhausted")]
    Exhausted,
    /// The maximum length of the buffer is exceeded.
    #[error("more than {max} bytes")]
    TooLong {
        /// Maximum length in bytes.
        max: usize,
    },
    /// The bytes cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A buffer of limited length. Its reservation covers its capacity.
pub(crate) struct ReservedBuffer {
    bytes: Vec<u8>,
    max: usize,
    reservation: Reservation,
}

impl ReservedBuffer {
    /// Creates a buffer for up to `max` bytes without a capacity. The capacity is reserved in `reservation`.
    pub(crate) fn new(max: usize, reservation: Reservation) -> Self {
        Self {
            bytes: Vec::new(),
            max,
            reservation,
        }
    }

    /// Reserves the capacity for `bytes` bytes at once. Use it if few bytes or all of them are expected soon.
    ///
    /// # Errors
    /// Returns an error if the memory limit is exhausted.
    pub(crate) fn allocate(&mut self, bytes: usize) -> Result<(), BufferError> {
        let more = bytes.saturating_sub(self.bytes.capacity());
        if more > 0 {
            if !self.reservation.reserve(more) {
                return Err(BufferError::Exhausted);
            }
            self.bytes.reserve_exact(bytes - self.bytes.len());
        }
        Ok(())
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// Returns an error if the buffer would exceed its maximum or the memory limit.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), BufferError> {
        let length = self.bytes.len() + bytes.len();
        if length > self.max {
            return Err(BufferError::TooLong { max: self.max });
        }
        let capacity = self.bytes.capacity();
        if length > capacity {
            let doubled = (2 * capacity).max(MIN_CAPACITY).max(length);
            self.allocate(doubled.min(self.max))?;
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Appends all bytes of a reader.
    ///
    /// # Errors
    /// Returns an error if the buffer would exceed its maximum or the memory limit, and errors of the reader.
    pub(crate) fn append_all(&mut self, mut reader: impl Read) -> Result<(), BufferError> {
        let mut chunk = vec![0; CHUNK];
        loop {
            match reader.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(read) => self.append(&chunk[..read])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Returns the number of bytes.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the bytes. The reservation must be held as long as they are used.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::memory_limit::BodyMemoryLimit;

    #[test]
    fn capacity_is_reserved_before_it_is_allocated() {
        let limit = BodyMemoryLimit::new(20_000);
        let reservation = limit.reservation();
        let mut buffer = ReservedBuffer::new(100_000, reservation.clone());
        buffer.append(&[7; 3]).unwrap();
        assert!(!limit.reservation().reserve(20_000 - MIN_CAPACITY + 1));
        assert!(limit.reservation().reserve(20_000 - MIN_CAPACITY));
        buffer.append(&[7; 16_000]).unwrap();
        let error = buffer.append(&[7; 5_000]).unwrap_err();
        assert!(matches!(error, BufferError::Exhausted), "{error}");
        assert_eq!(buffer.into_bytes(), vec![7; 16_003]);
    }

    #[test]
    fn length_is_limited() {
        let reservation = BodyMemoryLimit::new(1000).reservation();
        let mut buffer = ReservedBuffer::new(10, reservation);
        buffer.append_all(&[7; 10][..]).unwrap();
        let error = buffer.append(&[7]).unwrap_err();
        assert!(matches!(error, BufferError::TooLong { max: 10 }), "{error}");
        assert_eq!(buffer.len(), 10);
    }
}
