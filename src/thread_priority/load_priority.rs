//! The priority at which models are loaded.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::run_at_background_priority;

/// The priority at which models are loaded: that of the calling thread until a model serves, then background priority. Clones
/// share it.
#[derive(Clone, Default)]
pub(crate) struct LoadPriority {
    is_serving: Arc<AtomicBool>,
    is_background_suspended: Arc<AtomicBool>,
}

impl LoadPriority {
    /// Returns the current priority. Later changes of `self` do not affect it.
    pub(crate) fn current(&self) -> Self {
        let copy = |flag: &AtomicBool| Arc::new(AtomicBool::new(flag.load(Ordering::Relaxed)));
        Self {
            is_serving: copy(&self.is_serving),
            is_background_suspended: copy(&self.is_background_suspended),
        }
    }

    /// Lowers the priority of further loads, because requests may arrive.
    pub(crate) fn start_serving(&self) {
        self.is_serving.store(true, Ordering::Relaxed);
    }

    /// Returns whether a model serves, so that loads must not delay requests.
    pub(crate) fn is_serving(&self) -> bool {
        self.is_serving.load(Ordering::Relaxed)
    }

    /// Loads at the priority of the calling thread until the guard is dropped, because no request waits and other processes
    /// would delay background work.
    pub(crate) fn suspend_background(&self) -> SuspendedBackground<'_> {
        self.is_background_suspended.store(true, Ordering::Relaxed);
        SuspendedBackground(self)
    }

    /// Runs `work`, which must not start threads that outlive it.
    pub(crate) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        if self.is_serving() && !self.is_background_suspended.load(Ordering::Relaxed) {
            run_at_background_priority(work)
        } else {
            work()
        }
    }
}

/// Restores background priority for loads on drop.
pub(crate) struct SuspendedBackground<'a>(&'a LoadPriority);

impl Drop for SuspendedBackground<'_> {
    fn drop(&mut self) {
        let suspended = &self.0.is_background_suspended;
        suspended.store(false, Ordering::Relaxed);
    }
}
