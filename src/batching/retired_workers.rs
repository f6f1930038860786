//! Worker threads of dropped batchers. They end by themselves; shutdown waits for them before the process ends.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    thread::JoinHandle,
};

use mien_host::sync::lock;

/// Threads that are closing their sessions. Clones share the list.
#[derive(Clone, Default)]
pub struct RetiredWorkers(Arc<Mutex<Vec<JoinHandle<()>>>>);

impl RetiredWorkers {
    /// Adds threads that are about to end and removes those that have ended.
    pub(super) fn add(&self, workers: Vec<JoinHandle<()>>) {
        let mut retired = self.lock();
        retired.retain(|worker| !worker.is_finished());
        retired.extend(workers);
    }

    /// Blocks until all threads have ended, because the process must not exit while ONNX Runtime runs.
    pub fn join(&self) {
        let workers = std::mem::take(&mut *self.lock());
        join_all(workers);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        // Code that holds the lock does not panic.
        lock(&self.0)
    }
}

/// Joins the threads and logs those that panicked.
pub(super) fn join_all(workers: Vec<JoinHandle<()>>) {
    for worker in workers {
        if worker.join().is_err() {
            tracing::error!("worker thread panicked");
        }
    }
}
