//! Workers of batchers that are gone: they end by themselves, and are waited for before the process does.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

/// The threads that are closing their sessions. Clones share them.
#[derive(Clone, Default)]
pub struct Leaving(Arc<Mutex<Vec<JoinHandle<()>>>>);

impl Leaving {
    /// Adds threads that will end, and forgets those that have.
    pub(super) fn add(&self, workers: Vec<JoinHandle<()>>) {
        let mut leaving = self.lock();
        leaving.retain(|worker| !worker.is_finished());
        leaving.extend(workers);
    }

    /// Blocks until all have ended: nothing may run in ONNX Runtime when the process goes.
    pub fn join(&self) {
        let workers = std::mem::take(&mut *self.lock());
        join_all(workers);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        // Nothing panics while the lock is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for workers to end, however they do.
pub(super) fn join_all(workers: Vec<JoinHandle<()>>) {
    for worker in workers {
        if worker.join().is_err() {
            tracing::error!("a worker thread ended with a panic");
        }
    }
}
