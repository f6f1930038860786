//! Limits the bytes that a connection reads before the server processes them: heads, bodies that the handler does not read, and
//! requests that follow a pending one (pipelining). Each of them would otherwise take up to 128 KiB, and 2 MiB together.

use std::cell::{Cell, RefCell};

use crate::intake::memory_limit::{BodyMemoryLimit, Reservation};

/// Number of bytes that each connection may read ahead. Further bytes of heads are reserved in the memory of all heads.
pub(super) const READ_AHEAD: usize = 8 << 10;

/// Number of bytes that are reserved at a time.
const STEP: usize = 16 << 10;

/// Maximum memory of the heads of all connections, in addition to [`READ_AHEAD`] per connection.
const HEAD_MEMORY: usize = 32 << 20;

/// Creates the memory of the heads of all connections.
pub(in crate::http) fn head_memory() -> BodyMemoryLimit {
    BodyMemoryLimit::new(HEAD_MEMORY)
}

/// The bytes that a connection may read.
#[derive(Debug, Clone, Copy)]
enum Allowance {
    /// A head: bytes beyond this number are reserved in the memory of all heads.
    Head(usize),
    /// This number of bytes.
    Bytes(usize),
    /// A body that the handler reads, or whose rest is discarded.
    Unlimited,
}

/// The bytes that one connection has read ahead.
pub(super) struct ReadLimit {
    allowance: Cell<Allowance>,
    /// Number of bytes that were read since the allowance was set.
    read: Cell<usize>,
    /// Whether the connection has stopped reading.
    is_paused: Cell<bool>,
    memory: BodyMemoryLimit,
    reservation: RefCell<Option<Reservation>>,
}

impl ReadLimit {
    /// Allows a head.
    pub(super) fn new(memory: BodyMemoryLimit) -> Self {
        Self {
            allowance: Cell::new(Allowance::Head(READ_AHEAD)),
            read: Cell::new(0),
            is_paused: Cell::new(false),
            memory,
            reservation: RefCell::new(None),
        }
    }

    /// Returns whether the connection may read. Otherwise it pauses until the allowance changes.
    pub(super) fn may_read(&self) -> bool {
        let may_read = match self.allowance.get() {
            Allowance::Unlimited => true,
            Allowance::Bytes(bytes) => self.read.get() < bytes,
            Allowance::Head(bytes) => self.read.get() < bytes || self.reserve(bytes),
        };
        if !may_read {
            self.is_paused.set(true);
        }
        may_read
    }

    fn reserve(&self, bytes: usize) -> bool {
        let mut reservation = self.reservation.borrow_mut();
        let reservation = reservation.get_or_insert_with(|| self.memory.reservation());
        let is_reserved = reservation.reserve(STEP);
        if is_reserved {
            self.allowance.set(Allowance::Head(bytes + STEP));
        }
        is_reserved
    }

    /// Notes that bytes were read.
    pub(super) fn count(&self, bytes: usize) {
        self.read.set(self.read.get().saturating_add(bytes));
    }

    /// Allows a head. Returns whether the connection was paused.
    pub(super) fn allow_head(&self) -> bool {
        self.set(Allowance::Head(READ_AHEAD))
    }

    /// Allows a body of `length` bytes and a bounded number of bytes after it. Returns whether the connection was paused.
    pub(super) fn allow_body(&self, length: usize) -> bool {
        self.set(Allowance::Bytes(length.saturating_add(READ_AHEAD)))
    }

    /// Allows any number of bytes. Returns whether the connection was paused.
    pub(super) fn allow_all(&self) -> bool {
        self.set(Allowance::Unlimited)
    }

    fn set(&self, allowance: Allowance) -> bool {
        self.allowance.set(allowance);
        self.read.set(0);
        self.reservation.replace(None);
        self.is_paused.replace(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_share_memory() {
        let memory = BodyMemoryLimit::new(2 * STEP);
        let limits = [(); 3].map(|()| ReadLimit::new(memory.clone()));
        let [first, second, third] = &limits;
        for limit in &limits {
            limit.count(READ_AHEAD - 1);
            assert!(limit.may_read(), "each connection may read some bytes");
            limit.count(1);
        }
        assert!(first.may_read() && second.may_read());
        assert!(!third.may_read());
        assert!(!second.allow_body(0));
        assert!(third.may_read(), "the parsed head no longer needs memory");
        assert!(third.allow_head(), "the connection was paused");
    }

    #[test]
    fn bytes_after_body_are_limited() {
        let limit = ReadLimit::new(BodyMemoryLimit::new(0));
        assert!(!limit.allow_body(100));
        limit.count(100 + READ_AHEAD - 1);
        assert!(limit.may_read());
        limit.count(1);
        assert!(!limit.may_read());
        assert!(limit.allow_all(), "the connection was paused");
        limit.count(usize::MAX);
        assert!(limit.may_read());
    }
}
