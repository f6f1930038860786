//! Limit of the memory that the bodies of all requests may use together, over HTTP and gRPC: bodies that are being received
//! and bodies that wait to be decoded.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The number of bytes that are still available. Clones share it.
#[derive(Clone)]
pub struct BodyMemoryLimit(Arc<AtomicUsize>);

impl BodyMemoryLimit {
    /// Creates a limit of `bytes` bytes.
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    /// Creates an empty reservation for one request.
    pub fn reservation(&self) -> Reservation {
        let reserved = Reserved {
            available: Arc::clone(&self.0),
            bytes: AtomicUsize::new(0),
        };
        Reservation(Arc::new(reserved))
    }
}

/// The bytes that one request has reserved. Dropping the last clone releases them.
#[derive(Clone)]
pub struct Reservation(Arc<Reserved>);

struct Reserved {
    available: Arc<AtomicUsize>,
    bytes: AtomicUsize,
}

impl Reservation {
    /// Reserves `bytes` more bytes and returns whether they were available.
    pub fn reserve(&self, bytes: usize) -> bool {
        let less = |available: usize| available.checked_sub(bytes);
        let available = &self.0.available;
        let reserved = available
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok();
        if reserved {
            self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        reserved
    }

    /// Releases all bytes; the reservation can be used again.
    pub fn release(&self) {
        self.0
            .available
            .fetch_add(self.0.bytes.swap(0, Ordering::Relaxed), Ordering::Relaxed);
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.available
            .fetch_add(*self.bytes.get_mut(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::BodyMemoryLimit;

    #[test]
    fn dropped_reservation_releases_all_bytes() {
        let limit = BodyMemoryLimit::new(10);
        let (first, second) = (limit.reservation(), limit.reservation());
        assert!(first.reserve(6) && !second.reserve(5) && second.reserve(4) && !first.reserve(1));
        let clone = first.clone();
        drop(first);
        assert!(!second.reserve(1), "a clone still holds the bytes");
        drop(clone);
        assert!(second.reserve(6) && !second.reserve(1));
        second.release();
        assert!(second.reserve(10) && !limit.reservation().reserve(1));
    }
}
