//! The evaluations of a server: a few run, some wait, those that ended are in the store.

use std::{num::NonZeroUsize, sync::Arc};

use tokio::{
    runtime::Handle,
    sync::{Semaphore, oneshot},
};

use super::{
    datasets::Datasets,
    document::{Document, EvaluationListItem},
    job::Job,
    label_map::LabelMap,
    runner::{self, Task},
    spec::{EvaluationSpec, StartError, UNFINISHED},
};
use crate::{
    jobs::JobRegistry,
    metrics::Metrics,
    models::registry::LiveModel,
    store::{EvaluationFilter, EvaluationRecord, Store, StoreError},
};

/// How many run at once. One keeps a model's workers busy; a second one, of another model, need not wait.
const RUNNING: usize = 2;

/// What became of an evaluation that was to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purged {
    /// It is gone.
    Removed,
    /// There is none of this id.
    Unknown,
    /// It waits or runs, and stays.
    Unfinished,
}

/// The evaluations, those in the background and those that are kept.
pub struct Evaluations {
    runtime: Handle,
    pub(super) shared: Arc<Shared>,
}

/// What the evaluations share.
pub(super) struct Shared {
    pub(super) datasets: Arc<Datasets>,
    pub(super) store: Store,
    pub(super) metrics: Arc<Metrics>,
    pub(super) running: Semaphore,
    /// How many that ended are kept.
    pub(super) keep: usize,
    pub(super) jobs: JobRegistry<Job>,
}

impl Evaluations {
    /// Takes up what the store keeps: at most `keep` evaluations that ended, the newest. Evaluations will run on the
    /// Tokio runtime of the caller.
    ///
    /// # Errors
    /// When the store fails.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn open(
        datasets: Arc<Datasets>,
        metrics: Arc<Metrics>,
        store: Store,
        keep: NonZeroUsize,
    ) -> Result<Self, StoreError> {
        store.prune_evaluations(keep.get())?;
        for accuracy in store.accuracies()? {
            let (model, version, dataset) = (&accuracy.model, &accuracy.version, &accuracy.dataset);
            metrics.evaluation(model, version, dataset, accuracy.split.name(), accuracy.accuracy);
        }
        let (running, jobs) = (Semaphore::new(RUNNING), JobRegistry::default());
        let shared = Arc::new(Shared { datasets, store, metrics, running, keep: keep.get(), jobs });
        Ok(Self { runtime: Handle::current(), shared })
    }

    /// Takes an order and keeps it; the evaluation starts as soon as one of the running ones ends.
    ///
    /// # Errors
    /// When there is no such data or the model cannot be evaluated on it, too much is to be done already, or the store
    /// fails.
    pub async fn start(
        &self,
        order: EvaluationSpec,
        model: Arc<LiveModel>,
    ) -> Result<Arc<Job>, StartError> {
        LabelMap::of(&model.manifest.labels)?;
        let (dataset, samples, is_whole) = self.samples(&order)?;
        let job = Arc::new(Job::new(order.record(&model, samples.len(), is_whole)));
        self.register(Arc::clone(&job))?;
        let (kept, is_kept) = oneshot::channel();
        let task = Task { model, dataset, samples };
        self.runtime.spawn(runner::work(Arc::clone(&self.shared), Arc::clone(&job), task, kept));
        is_kept.await.unwrap_or(Err(StoreError::Crashed))?;
        Ok(job)
    }

    /// The evaluations that a filter lets through, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(
        &self,
        filter: EvaluationFilter,
        limit: usize,
    ) -> Result<Vec<EvaluationListItem>, StoreError> {
        // First: one that ends meanwhile is in the store then.
        let jobs = self.shared.jobs.all();
        let status = filter.status;
        let kept = self.shared.store.run(move |store| store.evaluations(&filter, limit)).await?;
        let present = |kept: EvaluationRecord| {
            let job = jobs.iter().find(|job| job.id() == kept.id && !kept.status.is_final());
            job.map_or(kept, |job| job.record())
        };
        let wanted =
            |record: &EvaluationRecord| status.is_none_or(|status| record.status == status);
        Ok(kept.into_iter().map(present).filter(wanted).map(EvaluationListItem::from).collect())
    }

    /// The evaluation of an id.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get(&self, id: &str) -> Result<Option<Document>, StoreError> {
        Ok(self.record(id).await?.map(Document::from))
    }

    /// The record of an evaluation as it is now, with its report.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn record(&self, id: &str) -> Result<Option<EvaluationRecord>, StoreError> {
        if let Some(job) = self.job(id) {
            return Ok(Some(job.record()));
        }
        let id = id.to_owned();
        self.shared.store.run(move |store| store.evaluation(&id)).await
    }

    /// The evaluation of an id, where it waits or runs or only this server knows its end.
    pub fn job(&self, id: &str) -> Option<Arc<Job>> {
        self.shared.jobs.find(id)
    }

    /// Cancels the evaluation of an id and waits for its end; one that has ended stays as it is.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn cancel(&self, id: &str) -> Result<Option<Document>, StoreError> {
        if let Some(job) = self.job(id) {
            job.cancel();
            job.finished().await;
        }
        self.get(id).await
    }

    /// Removes the evaluation of an id with its predictions.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn purge(&self, id: &str) -> Result<Purged, StoreError> {
        if self.job(id).is_some() {
            return Ok(Purged::Unfinished);
        }
        let id = id.to_owned();
        self.shared
            .store
            .run(move |store| {
                Ok(if store.delete_evaluation(&id)? { Purged::Removed } else { Purged::Unknown })
            })
            .await
    }

    /// Takes no more orders and cancels what is queued or running.
    pub fn shut_down(&self) {
        self.shared.jobs.close().iter().for_each(|job| job.cancel());
    }

    /// Waits until each evaluation has ended and its end is kept.
    pub async fn ended(&self) {
        let jobs = self.shared.jobs.all();
        for job in jobs {
            job.finished().await;
        }
    }

    /// How many that ended are kept.
    pub fn keep(&self) -> usize {
        self.shared.keep
    }

    /// What keeps the evaluations.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// Takes a job among the unfinished.
    fn register(&self, job: Arc<Job>) -> Result<(), StartError> {
        self.shared.jobs.register(job, StartError::ShuttingDown, |unfinished| {
            if unfinished.len() >= UNFINISHED { Err(StartError::TooMany) } else { Ok(()) }
        })
    }
}
