//! The evaluations of a server: some are running, some are queued, and the ended ones are in the store.

use std::{num::NonZeroUsize, sync::Arc};

use tokio::sync::Semaphore;

use super::{
    datasets::Datasets,
    document::{EvaluationListItem, EvaluationResponse},
    job::Job,
    label_map::LabelMap,
    runner,
    spec::{EvaluationSpec, MAX_PENDING, StartError},
    task::{EvaluationTask, Input, Shared},
};
use crate::{
    drift::Monitors,
    jobs::{Job as _, Jobs},
    metrics::Metrics,
    models::registry::LiveModel,
    store::{EvaluationFilter, EvaluationRecord, JobId, Store, StoreError},
};

/// Maximum number of running evaluations. One keeps the workers of a model busy; a second one, of another model, can run at
/// the same time.
const MAX_CONCURRENT: usize = 2;

/// Outcome of removing an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purged {
    /// The evaluation was removed.
    Removed,
    /// The identifier is unknown.
    Unknown,
    /// The evaluation is queued or running and was not removed.
    Unfinished,
}

/// All evaluations: queued, running and stored.
pub struct Evaluations {
    pub(super) shared: Arc<Shared>,
}

impl Evaluations {
    /// Opens the stored evaluations and removes all but the newest `retention` ended ones. Evaluations set the references of `drift` and
    /// run on the Tokio runtime of the caller.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    ///
    /// # Panics
    /// Panics outside of a Tokio runtime.
    pub fn open(
        datasets: Arc<Datasets>,
        metrics: Arc<Metrics>,
        store: Store,
        retention: NonZeroUsize,
        drift: Option<Arc<Monitors>>,
    ) -> Result<Self, StoreError> {
        store.prune_evaluations(retention.get())?;
        for accuracy in store.accuracies()? {
            let (model, dataset) = (&accuracy.model, &accuracy.dataset);
            metrics.record_accuracy(
                model,
                &accuracy.version.to_string(),
                dataset,
                accuracy.split.name(),
                accuracy.accuracy,
            );
        }
        let shared = Shared {
            jobs: Jobs::new(store, retention.get()),
            datasets,
            metrics,
            drift,
            running: Semaphore::new(MAX_CONCURRENT),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Stores a new evaluation. It starts when fewer than the maximum are running.
    ///
    /// # Errors
    /// Returns an error if the data is unknown, the model cannot be evaluated on it, too many evaluations are pending, or the
    /// store fails.
    pub async fn start(
        &self,
        spec: EvaluationSpec,
        model: Arc<LiveModel>,
    ) -> Result<Arc<Job>, StartError> {
        LabelMap::new(&model.manifest.labels)?;
        let (dataset, samples, is_whole) = self.samples(&spec)?;
        let job = Arc::new(Job::new(spec.record(&model, samples.len(), is_whole)));
        self.register(Arc::clone(&job))?;
        let task = EvaluationTask {
            shared: Arc::clone(&self.shared),
            job: Arc::clone(&job),
        };
        let input = Input {
            model,
            dataset,
            samples,
        };
        let work = runner::evaluate(task.clone(), input);
        self.shared.jobs.start(task, work).await?;
        Ok(job)
    }

    /// Starts an evaluation like [`Self::start`], but waits while too many are pending.
    ///
    /// # Errors
    /// Returns the other errors of [`Self::start`].
    pub async fn start_when_admitted(
        &self,
        spec: &EvaluationSpec,
        model: &Arc<LiveModel>,
    ) -> Result<Arc<Job>, StartError> {
        let mut ends = self.shared.jobs.registry.subscribe_ends();
        loop {
            match self.start(spec.clone(), Arc::clone(model)).await {
                // The sender lives as long as `self`, so the wait only ends when a job has ended.
                Err(StartError::TooMany) => drop(ends.changed().await),
                result => return result,
            }
        }
    }

    /// Returns the evaluations that match the filter, newest first, at most `limit`.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn list(
        &self,
        filter: EvaluationFilter,
        limit: usize,
    ) -> Result<Vec<EvaluationListItem>, StoreError> {
        let current = self.shared.jobs.registry.current_records();
        let status = filter.status;
        let read = move |store: &Store| store.evaluations(&filter, limit);
        let stored = self.store().run(read).await?;
        let matches =
            |record: &EvaluationRecord| status.is_none_or(|status| record.status == status);
        Ok(stored
            .into_iter()
            .map(current)
            .filter(matches)
            .map(EvaluationListItem::from)
            .collect())
    }

    /// Returns the evaluation with this identifier.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn get(&self, id: JobId) -> Result<Option<EvaluationResponse>, StoreError> {
        Ok(self.record(id).await?.map(EvaluationResponse::from))
    }

    /// Returns the current record of an evaluation with its report.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn record(&self, id: JobId) -> Result<Option<EvaluationRecord>, StoreError> {
        if let Some(job) = self.job(id) {
            return Ok(Some(job.record()));
        }
        self.store().run(move |store| store.evaluation(id)).await
    }

    /// Returns the job with this identifier if it is queued, running or unsaved.
    pub fn job(&self, id: JobId) -> Option<Arc<Job>> {
        self.shared.jobs.registry.find(id)
    }

    /// Cancels an evaluation and waits for its end. An ended evaluation is not changed.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn cancel(&self, id: JobId) -> Result<Option<EvaluationResponse>, StoreError> {
        if let Some(job) = self.job(id) {
            job.cancel();
            job.finished().await;
        }
        self.get(id).await
    }

    /// Removes an evaluation and its predictions.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn purge(&self, id: JobId) -> Result<Purged, StoreError> {
        if self.job(id).is_some() {
            return Ok(Purged::Unfinished);
        }
        let delete = move |store: &Store| store.delete_evaluation(id);
        let is_removed = self.store().run(delete).await?;
        Ok(if is_removed {
            Purged::Removed
        } else {
            Purged::Unknown
        })
    }

    /// Rejects further evaluations and cancels the queued and running ones.
    pub fn shut_down(&self) {
        self.shared.jobs.registry.close(());
    }

    /// Waits until each evaluation has ended and is saved.
    pub async fn ended(&self) {
        self.shared.jobs.registry.ended().await;
    }

    /// Number of ended evaluations that are retained.
    pub fn retention(&self) -> usize {
        self.shared.jobs.retention
    }

    /// The store of the evaluations.
    pub fn store(&self) -> &Store {
        &self.shared.jobs.store
    }

    /// Registers a job unless too many are pending.
    fn register(&self, job: Arc<Job>) -> Result<(), StartError> {
        self.shared
            .jobs
            .registry
            .register(job, StartError::ShuttingDown, |pending| {
                if pending.len() >= MAX_PENDING {
                    Err(StartError::TooMany)
                } else {
                    Ok(())
                }
            })
    }
}
