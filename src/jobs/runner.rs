//! Runs jobs: each is inserted into the store, runs until it ends or is cancelled, and its result is saved.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tokio::{runtime::Handle, sync::oneshot};

use super::{
    job::{Job, JobRecord, JobState},
    registry::JobRegistry,
};
use crate::store::{Store, StoreError};

/// The jobs of one kind.
pub struct Jobs<J> {
    /// The jobs that have not ended, or whose result is not saved.
    pub registry: JobRegistry<J>,
    /// The store of the jobs.
    pub store: Store,
    /// Number of ended jobs that are retained in the store.
    pub retention: usize,
    runtime: Handle,
}

/// How the work of a job ended.
pub enum Outcome<T> {
    /// The work returned a result.
    Completed(T),
    /// The job was cancelled.
    Cancelled,
    /// The work panicked.
    Crashed,
}

/// A job that has ended.
pub struct Finished<R> {
    /// The record to publish.
    pub record: R,
    /// Whether the result is in the store.
    pub is_saved: bool,
}

/// The steps of one job that differ between the kinds of jobs.
pub trait Task: Send + Sync + Sized + 'static {
    /// The job.
    type Job: Job;
    /// Result of the work.
    type Output: Send + 'static;

    /// Returns the job.
    fn job(&self) -> &Self::Job;

    /// Returns the jobs of this kind.
    fn jobs(&self) -> &Jobs<Self::Job>;

    /// Inserts the job into the store.
    fn insert(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Saves the outcome. The job cannot be cancelled any more.
    fn finish(
        &self,
        outcome: Outcome<Self::Output>,
    ) -> impl Future<Output = Finished<<Self::Job as Job>::Record>> + Send;

    /// Removes all but the newest `retention` ended jobs from the store and returns how many were removed.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    fn prune(store: &Store, retention: usize) -> Result<usize, StoreError>;
}

impl<J: Job> Jobs<J> {
    /// Creates an empty registry for the jobs of a store. Jobs run on the Tokio runtime of the caller.
    ///
    /// # Panics
    /// Panics outside of a Tokio runtime.
    pub fn new(store: Store, retention: usize) -> Self {
        Self {
            registry: JobRegistry::default(),
            store,
            retention,
            runtime: Handle::current(),
        }
    }

    /// Inserts a registered job into the store and starts `work`. A job that cannot be inserted does not run.
    ///
    /// The job runs even if the caller drops the future, because its client disconnected.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn start<T: Task<Job = J>>(
        &self,
        task: T,
        work: impl Future<Output = T::Output> + Send + 'static,
    ) -> Result<(), StoreError> {
        let (inserted, is_inserted) = oneshot::channel();
        self.runtime.spawn(run(task, work, inserted));
        is_inserted.await.unwrap_or(Err(StoreError::Crashed))
    }
}

async fn run<T: Task>(
    task: T,
    work: impl Future<Output = T::Output> + Send,
    inserted: oneshot::Sender<Result<(), StoreError>>,
) {
    let jobs = task.jobs();
    if let Err(error) = task.insert().await {
        // No client knows the job, so it is removed.
        jobs.registry.end(task.job(), true);
        let _ = inserted.send(Err(error));
        return;
    }
    let _ = inserted.send(Ok(()));
    let outcome = run_until_cancelled(task.job().state(), work).await;
    let Finished { record, is_saved } = task.finish(outcome).await;
    if is_saved {
        prune::<T>(jobs).await;
    }
    jobs.registry.end(task.job(), is_saved);
    task.job().state().update(|present| *present = record);
}

/// Runs `work` to its end and drops it, or drops it earlier if the job is cancelled.
async fn run_until_cancelled<R: JobRecord, C: Copy + Send + Sync, T>(
    state: &JobState<R, C>,
    work: impl Future<Output = T>,
) -> Outcome<T> {
    tokio::select! {
        biased;
        () = state.cancelled() => Outcome::Cancelled,
        result = AssertUnwindSafe(work).catch_unwind() => {
            result.map_or(Outcome::Crashed, Outcome::Completed)
        }
    }
}

/// Removes old jobs from the store. If that fails, the next job tries again.
async fn prune<T: Task>(jobs: &Jobs<T::Job>) {
    let retention = jobs.retention;
    let pruned = jobs
        .store
        .run(move |store| T::prune(store, retention))
        .await;
    if let Err(error) = pruned {
        tracing::warn!(%error, "cannot remove old records");
    }
}
