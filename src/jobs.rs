//! The registry of background jobs that are running, or whose result could not be saved. All other jobs are in the store.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// A job of a [`JobRegistry`].
pub trait RegisteredJob {
    /// Identifier of the job.
    fn id(&self) -> &str;

    /// Returns whether the job has ended and its result could not be saved, so that only this process has it.
    fn is_unsaved(&self) -> bool;
}

/// The jobs that have not ended, and those whose result could not be saved.
pub struct JobRegistry<J>(Mutex<Jobs<J>>);

struct Jobs<J> {
    all: Vec<Arc<J>>,
    closed: bool,
}

impl<J> Default for JobRegistry<J> {
    fn default() -> Self {
        Self(Mutex::new(Jobs {
            all: Vec::new(),
            closed: false,
        }))
    }
}

impl<J: RegisteredJob> JobRegistry<J> {
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
            .filter(|job| !job.is_unsaved())
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
    pub fn find(&self, id: &str) -> Option<Arc<J>> {
        self.lock().all.iter().find(|job| job.id() == id).cloned()
    }

    /// Removes a job, because it is in the store.
    pub fn remove(&self, id: &str) {
        self.lock().all.retain(|job| job.id() != id);
    }

    /// Passes on whether the store has a new job, and removes a job that it does not have. Returns whether the job may run.
    ///
    /// The job runs even if the client that waits for `saved` has disconnected.
    pub fn confirm<E>(
        &self,
        id: &str,
        inserted: Result<(), E>,
        saved: oneshot::Sender<Result<(), E>>,
    ) -> bool {
        let is_saved = inserted.is_ok();
        if !is_saved {
            self.remove(id);
        }
        let _ = saved.send(inserted);
        is_saved
    }

    /// Rejects further jobs and returns the present ones.
    pub fn close(&self) -> Vec<Arc<J>> {
        let mut jobs = self.lock();
        jobs.closed = true;
        jobs.all.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Jobs<J>> {
        // Nothing panics while the lock is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
