//! The registry of the jobs that have not ended, or whose result could not be saved. All other jobs are in the store.

use std::sync::{Arc, Mutex, MutexGuard};

use mien_host::sync::lock;
use tokio::sync::watch;

use super::job::{Job, JobRecord};
use crate::store::JobId;

/// The jobs that have not ended, and those whose result could not be saved.
pub struct JobRegistry<J> {
    registered: Mutex<Registered<J>>,
    /// Notifies when a job has ended.
    ends: watch::Sender<()>,
}

struct Registered<J> {
    all: Vec<Arc<J>>,
    closed: bool,
}

impl<J> Default for JobRegistry<J> {
    fn default() -> Self {
        Self {
            registered: Mutex::new(Registered {
                all: Vec::new(),
                closed: false,
            }),
            ends: watch::Sender::new(()),
        }
    }
}

impl<J: Job> JobRegistry<J> {
    /// Registers a job if `admit` accepts it, given the jobs that have not ended.
    ///
    /// # Errors
    /// Returns `closed` after [`Self::close`], and the error of `admit`.
    pub fn register<E>(
        &self,
        job: Arc<J>,
        closed: E,
        admit: impl FnOnce(&[&J]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut jobs = self.lock();
        if jobs.closed {
            return Err(closed);
        }
        let unfinished: Vec<&J> = jobs
            .all
            .iter()
            .map(Arc::as_ref)
            .filter(|job| !job.state().is_unsaved())
            .collect();
        admit(&unfinished)?;
        jobs.all.push(job);
        Ok(())
    }

    /// Returns all jobs.
    pub fn all(&self) -> Vec<Arc<J>> {
        self.lock().all.clone()
    }

    /// Returns the job with this identifier.
    pub fn find(&self, id: JobId) -> Option<Arc<J>> {
        self.lock().all.iter().find(|job| job.id() == id).cloned()
    }

    /// Returns a function that replaces stored records of unfinished jobs by their current ones.
    ///
    /// Call this before the records are read from the store, so that a job that ends meanwhile is found there.
    pub fn current_records(&self) -> impl Fn(J::Record) -> J::Record {
        let jobs = self.all();
        move |stored| {
            let job = jobs
                .iter()
                .find(|job| job.id() == stored.id() && !stored.is_final());
            job.map_or(stored, |job| job.record())
        }
    }

    /// Waits until each job has ended.
    pub async fn ended(&self) {
        for job in self.all() {
            job.finished().await;
        }
    }

    /// Returns a receiver that is notified when a job ends, so that another one may be admitted.
    pub fn subscribe_ends(&self) -> watch::Receiver<()> {
        self.ends.subscribe()
    }

    /// Rejects further jobs and cancels all others.
    pub fn close(&self, reason: J::Cancellation) {
        let mut jobs = self.lock();
        jobs.closed = true;
        for job in &jobs.all {
            job.state().cancel(reason);
        }
    }

    /// Marks a job as ended. A job whose result is saved is removed. Any other job remains, because only this process has the
    /// result.
    pub(super) fn end(&self, job: &J, is_saved: bool) {
        if is_saved {
            self.lock().all.retain(|other| other.id() != job.id());
        } else {
            job.state().set_unsaved();
        }
        self.ends.send_replace(());
    }

    fn lock(&self) -> MutexGuard<'_, Registered<J>> {
        // Code that holds the lock does not panic.
        lock(&self.registered)
    }
}
