//! The promotions of a server: one a model, those that ended are in the store.

use std::sync::Arc;

use tokio::{runtime::Handle, sync::oneshot};

use super::{
    criterion::{Criterion, Order, StartError, UNFINISHED},
    document::Document,
    job::{Canceller, Job},
    runner::PromotionTask,
};
use crate::{
    evaluation::Evaluations,
    jobs::JobRegistry,
    metrics::Metrics,
    models::{ChangeError, PromoteError, registry::Registry},
    store::{PromotionRecord, Store, StoreError},
};

/// The promotions, those under way and those that are kept, and the pins that they leave.
pub struct Promotions {
    pub(super) shared: Arc<Shared>,
    runtime: Handle,
}

/// What the promotions share.
pub(super) struct Shared {
    pub(super) registry: Arc<Registry>,
    pub(super) evaluations: Arc<Evaluations>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) store: Store,
    /// How many that ended are kept.
    pub(super) keep: usize,
    pub(super) jobs: JobRegistry<Job>,
}

impl Promotions {
    /// The promotions of these models, kept where the evaluations are, and as many of them. They will run on the Tokio
    /// runtime of the caller.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn new(
        registry: Arc<Registry>,
        evaluations: Arc<Evaluations>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (store, keep) = (evaluations.store().clone(), evaluations.retention());
        let jobs = JobRegistry::default();
        let shared = Arc::new(Shared { registry, evaluations, metrics, store, keep, jobs });
        Self { shared, runtime: Handle::current() }
    }

    /// Takes an order and keeps it; the promotion begins at once.
    ///
    /// # Errors
    /// When there is no such model, version or data, the version cannot be promoted as things stand, the model is being
    /// promoted already, too much is to be done, or the store fails.
    pub async fn start(&self, order: Order) -> Result<Arc<Job>, StartError> {
        let record = self.check(&order).await?;
        let job = Arc::new(Job::new(record));
        self.register(Arc::clone(&job))?;
        let (kept, is_kept) = oneshot::channel();
        let (shared, of) = (Arc::clone(&self.shared), Arc::clone(&job));
        self.runtime.spawn(PromotionTask { shared, job: of, order }.run(kept));
        is_kept.await.unwrap_or(Err(StoreError::Crashed))?;
        Ok(job)
    }

    /// The record of an order that can be taken. What may change meanwhile is looked at again when it begins.
    async fn check(&self, order: &Order) -> Result<PromotionRecord, StartError> {
        let registry = &self.shared.registry;
        let unknown = || ChangeError::UnknownModel(order.model.clone());
        let model = registry.model(&order.model).ok_or_else(unknown)?;
        let (name, version) = (model.name, order.version);
        let there = {
            let (registry, name) = (Arc::clone(registry), name.clone());
            tokio::task::spawn_blocking(move || registry.is_on_disk(&name, version))
        };
        if !there.await.unwrap_or(false) {
            return Err(PromoteError::UnknownVersion { model: name, version }.into());
        }
        let serving = model.serving.ok_or_else(|| PromoteError::NothingServes(name.clone()))?;
        if serving == version {
            return Err(PromoteError::Serves { model: name, version }.into());
        }
        if let Criterion::MaxRegression { baseline: Some(baseline), .. } = order.rule {
            if baseline == version {
                return Err(StartError::Itself(version));
            }
            registry.resolve(Some(&name), Some(&baseline.to_string()))?;
        }
        let images = self.shared.evaluations.images(&order.images)?;
        Ok(order.record(&name, serving, images))
    }

    /// Whether an unfinished promotion waits for the evaluation of an id.
    pub fn needs(&self, evaluation: &str) -> bool {
        let jobs = self.shared.jobs.all();
        jobs.iter().any(|job| job.evaluates(evaluation))
    }

    /// The promotions of a model, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self, model: &str, limit: usize) -> Result<Vec<Document>, StoreError> {
        // First: one that ends meanwhile is in the store then.
        let jobs = self.shared.jobs.all();
        let model = self.real_name(model);
        let kept = self.shared.store.run(move |store| store.promotions(Some(&model), limit));
        let present = |kept: PromotionRecord| {
            let job = jobs.iter().find(|job| job.id() == kept.id && !kept.status.is_final());
            Document::from(job.map_or(kept, |job| job.record()))
        };
        Ok(kept.await?.into_iter().map(present).collect())
    }

    /// A promotion of a model.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get(&self, model: &str, id: &str) -> Result<Option<Document>, StoreError> {
        let model = self.real_name(model);
        let record = match self.shared.jobs.find(id) {
            Some(job) => Some(job.record()),
            None => {
                let id = id.to_owned();
                self.shared.store.run(move |store| store.promotion(&id)).await?
            }
        };
        Ok(record.filter(|record| record.model == model).map(Document::from))
    }

    /// Cancels a promotion of a model and waits for its end; one that has ended stays as it is, and so does one that has
    /// just passed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn cancel(&self, model: &str, id: &str) -> Result<Option<Document>, StoreError> {
        let job = self.shared.jobs.find(id);
        if let Some(job) = job.filter(|job| job.model() == self.real_name(model)) {
            job.cancel(Canceller::Client);
            job.finished().await;
        }
        self.get(model, id).await
    }

    /// Takes no more orders and cancels what waits or runs.
    pub fn shut_down(&self) {
        self.shared.jobs.close().iter().for_each(|job| job.cancel(Canceller::Shutdown));
    }

    /// Waits until each promotion has ended and its end is kept.
    pub async fn ended(&self) {
        let jobs = self.shared.jobs.all();
        for job in jobs {
            job.finished().await;
        }
    }

    pub(super) fn real_name(&self, name: &str) -> String {
        self.shared.registry.model(name).map_or_else(|| name.to_owned(), |model| model.name)
    }

    /// Takes a job among the unfinished, one a model.
    fn register(&self, job: Arc<Job>) -> Result<(), StartError> {
        let model = job.model().to_owned();
        self.shared.jobs.register(job, StartError::ShuttingDown, |unfinished| {
            if unfinished.iter().any(|other| other.model() == model) {
                return Err(PromoteError::UnderWay(model).into());
            }
            if unfinished.len() >= UNFINISHED { Err(StartError::TooMany) } else { Ok(()) }
        })
    }
}
