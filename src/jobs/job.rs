//! The state of one job.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use crate::store::JobId;

/// The stored description of a job.
pub trait JobRecord: Clone + Send + Sync + 'static {
    /// Identifier of the job.
    fn id(&self) -> JobId;

    /// Returns whether the job has ended.
    fn is_final(&self) -> bool;
}

/// A job that has not ended, or whose result could not be saved.
pub trait Job: Send + Sync + 'static {
    /// The stored description.
    type Record: JobRecord;
    /// Why the job is cancelled.
    type Cancellation: Copy + Send + Sync + 'static;

    /// Returns the state.
    fn state(&self) -> &JobState<Self::Record, Self::Cancellation>;

    /// Returns the current record, with the progress.
    fn record(&self) -> Self::Record;

    /// Identifier of the job.
    fn id(&self) -> JobId {
        self.state().id
    }

    /// Waits until the job has ended and its result is saved, unless saving failed.
    fn finished(&self) -> impl Future<Output = ()> + Send {
        self.state().wait_until_final()
    }
}

/// The state that all jobs have.
pub struct JobState<R, C> {
    id: JobId,
    record: watch::Sender<R>,
    cancellation: watch::Sender<Option<C>>,
    is_unsaved: AtomicBool,
}

impl<R: JobRecord, C: Copy + Send + Sync> JobState<R, C> {
    /// Creates the state of a new job.
    pub fn new(record: R) -> Self {
        Self {
            id: record.id(),
            record: watch::Sender::new(record),
            cancellation: watch::Sender::new(None),
            is_unsaved: AtomicBool::new(false),
        }
    }

    /// Returns the record without the progress.
    pub fn record(&self) -> watch::Ref<'_, R> {
        self.record.borrow()
    }

    /// Returns a receiver of the changes of the record.
    pub fn subscribe(&self) -> watch::Receiver<R> {
        self.record.subscribe()
    }

    /// Updates the record.
    pub fn update(&self, change: impl FnOnce(&mut R)) {
        self.record.send_modify(change);
    }

    /// Requests cancellation. The first request determines the reason.
    pub fn cancel(&self, reason: C) {
        self.cancellation.send_if_modified(|cancellation| {
            let is_first = cancellation.is_none();
            cancellation.get_or_insert(reason);
            is_first
        });
    }

    /// Returns the reason for the cancellation, if there was a request.
    pub fn cancellation(&self) -> Option<C> {
        *self.cancellation.borrow()
    }

    /// Waits for a request to cancel the job.
    pub(super) async fn cancelled(&self) {
        // The sender lives as long as `self`, so the wait only ends when the condition holds.
        let _ = self
            .cancellation
            .subscribe()
            .wait_for(Option::is_some)
            .await;
    }

    async fn wait_until_final(&self) {
        // As above.
        let _ = self.record.subscribe().wait_for(R::is_final).await;
    }

    /// Returns whether the job has ended and its result could not be saved, so that only this process has it.
    pub(super) fn is_unsaved(&self) -> bool {
        self.is_unsaved.load(Ordering::Relaxed)
    }

    pub(super) fn set_unsaved(&self) {
        self.is_unsaved.store(true, Ordering::Relaxed);
    }
}
