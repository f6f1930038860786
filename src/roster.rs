//! The jobs of the background that this server knows of; all others are in the state's store.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A job that a roster can hold.
pub trait Entry {
    /// Its id.
    fn id(&self) -> &str;

    /// Whether it has ended and its end could not be kept, so that only this server knows it.
    fn is_unsaved(&self) -> bool;
}

/// The jobs that have not ended, and those whose end could not be kept.
pub struct JobRegistry<J>(Mutex<Jobs<J>>);

struct Jobs<J> {
    all: Vec<Arc<J>>,
    closed: bool,
}

impl<J> Default for JobRegistry<J> {
    fn default() -> Self {
        Self(Mutex::new(Jobs { all: Vec::new(), closed: false }))
    }
}

impl<J: Entry> JobRegistry<J> {
    /// Takes a job, if `admit` lets it in beside those that have not ended.
    ///
    /// # Errors
    /// `closed` after [`Self::close`], else that of `admit`.
    pub fn take<E>(
        &self,
        job: Arc<J>,
        closed: E,
        admit: impl FnOnce(&[&J]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut jobs = self.lock();
        if jobs.closed {
            return Err(closed);
        }
        let unfinished: Vec<&J> =
            jobs.all.iter().map(Arc::as_ref).filter(|job| !job.is_unsaved()).collect();
        admit(&unfinished)?;
        jobs.all.push(job);
        Ok(())
    }

    /// All of them.
    pub fn all(&self) -> Vec<Arc<J>> {
        self.lock().all.clone()
    }

    /// The job of an id.
    pub fn find(&self, id: &str) -> Option<Arc<J>> {
        self.lock().all.iter().find(|job| job.id() == id).cloned()
    }

    /// Leaves a job to the store.
    pub fn forget(&self, id: &str) {
        self.lock().all.retain(|job| job.id() != id);
    }

    /// Takes no more; those that it has.
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
