//! Memory for the bodies of all requests together, whatever door they came through: what is being received and what
//! waits to be decoded.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Bytes that bodies may still take. Clones share it.
#[derive(Clone)]
pub struct BodyMemoryLimit(Arc<AtomicUsize>);

impl BodyMemoryLimit {
    /// A budget of so many bytes.
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    /// An empty share for one request.
    pub fn share(&self) -> Reservation {
        Reservation(Arc::new(Taken { budget: Arc::clone(&self.0), bytes: AtomicUsize::new(0) }))
    }
}

/// What one request's body takes. The last clone to go gives it back.
#[derive(Clone)]
pub struct Reservation(Arc<Taken>);

struct Taken {
    budget: Arc<AtomicUsize>,
    bytes: AtomicUsize,
}

impl Reservation {
    /// Takes so many bytes more; false where they are not there.
    pub fn take(&self, bytes: usize) -> bool {
        let less = |left: usize| left.checked_sub(bytes);
        let taken = self.0.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok();
        if taken {
            self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        taken
    }

    /// Gives everything back; the share may take again.
    pub fn clear(&self) {
        self.0.budget.fetch_add(self.0.bytes.swap(0, Ordering::Relaxed), Ordering::Relaxed);
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.budget.fetch_add(*self.bytes.get_mut(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::BodyMemoryLimit;

    #[test]
    fn shares_come_back_whole() {
        let budget = BodyMemoryLimit::new(10);
        let (first, second) = (budget.share(), budget.share());
        assert!(first.take(6) && !second.take(5) && second.take(4) && !first.take(1));
        let copy = first.clone();
        drop(first);
        assert!(!second.take(1), "a copy still holds it");
        drop(copy);
        assert!(second.take(6) && !second.take(1));
        second.clear();
        assert!(second.take(10) && !budget.share().take(1));
    }
}
