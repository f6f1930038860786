//! The promotions of a server: at most one pending per model; the ended ones are in the store.

use std::sync::Arc;

use super::{
    criterion::{Criterion, MAX_PENDING, PromotionSpec, StartError, check_groups},
    document::PromotionResponse,
    job::{Canceller, Job},
    task::{PromotionTask, Shared},
};
use crate::{
    evaluation::Evaluations,
    jobs::{Job as _, Jobs},
    metrics::Metrics,
    models::{LifecycleError, PromoteError, registry::Registry},
    shadow::{PassedShadow, Shadows},
    store::{JobId, PromotionRecord, Store, StoreError},
};

/// All promotions, pending and stored, and the pins of models.
pub struct Promotions {
    pub(super) shared: Arc<Shared>,
}

impl Promotions {
    /// Creates the promotions of these models, with the store and retention of the evaluations. Promotions run on the Tokio
    /// runtime of the caller.
    ///
    /// # Panics
    /// Panics outside of a Tokio runtime.
    pub fn new(
        registry: Arc<Registry>,
        evaluations: Arc<Evaluations>,
        shadows: Shadows,
        metrics: Arc<Metrics>,
    ) -> Self {
        let jobs = Jobs::new(evaluations.store().clone(), evaluations.retention());
        let shared = Shared {
            jobs,
            registry,
            evaluations,
            shadows,
            metrics,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Stores a new promotion and starts it.
    ///
    /// # Errors
    /// Returns an error if the model, version or data is unknown, the version cannot be promoted, its shadow does not have the required
    /// result, a promotion of the model is pending, too many promotions are pending, or the store fails.
    pub async fn start(&self, spec: PromotionSpec) -> Result<Arc<Job>, StartError> {
        let (record, shadow) = self.check(&spec).await?;
        let job = Arc::new(Job::new(record));
        self.register(Arc::clone(&job))?;
        let task = PromotionTask {
            shared: Arc::clone(&self.shared),
            job: Arc::clone(&job),
            spec,
            shadow,
        };
        let deciding = task.clone();
        let work = async move { deciding.decide().await };
        self.shared.jobs.start(task, work).await?;
        Ok(job)
    }

    /// Checks a request and returns its record and the required shadow. The conditions that may change are checked again when the
    /// promotion starts.
    async fn check(
        &self,
        spec: &PromotionSpec,
    ) -> Result<(PromotionRecord, Option<PassedShadow>), StartError> {
        let registry = &self.shared.registry;
        let unknown = || LifecycleError::UnknownModel(spec.model.clone());
        let model = registry.model(&spec.model).ok_or_else(unknown)?;
        let (name, version) = (model.name, spec.version);
        let on_disk = {
            let (registry, name) = (Arc::clone(registry), name.clone());
            tokio::task::spawn_blocking(move || registry.is_on_disk(&name, version))
        };
        if !on_disk.await.unwrap_or(false) {
            return Err(PromoteError::UnknownVersion {
                model: name,
                version,
            }
            .into());
        }
        let serving = model
            .serving
            .ok_or_else(|| PromoteError::NotServing(name.clone()))?;
        if serving == version {
            return Err(PromoteError::AlreadyServing {
                model: name,
                version,
            }
            .into());
        }
        if let Criterion::MaxRegression {
            baseline: Some(baseline),
            ..
        } = spec.criterion
        {
            if baseline == version {
                return Err(StartError::Itself(version));
            }
            registry.resolve(Some(&name), Some(&baseline.to_string()))?;
        }
        let images = self.check_images(spec)?;
        let shadow = spec.shadow.map(|requirement| {
            let shadows = &self.shared.shadows;
            shadows.check(&name, serving, version, requirement)
        });
        Ok((spec.record(&name, serving, images), shadow.transpose()?))
    }

    /// Checks that the criterion can be met on the images of a request, and returns their number.
    fn check_images(&self, spec: &PromotionSpec) -> Result<usize, StartError> {
        let images = self.shared.evaluations.images(&spec.images)?;
        spec.criterion.check_images(images)?;
        if let Criterion::MaxRegression {
            group_margin: Some(margin),
            ..
        } = spec.criterion
        {
            let groupings = self.shared.evaluations.groupings(&spec.images)?;
            check_groups(margin, images, &groupings)?;
        }
        Ok(images)
    }

    /// Returns the promotions of a model, newest first, at most `limit`.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn list(
        &self,
        model: &str,
        limit: usize,
    ) -> Result<Vec<PromotionResponse>, StoreError> {
        let current = self.shared.jobs.registry.current_records();
        let model = self.resolve_alias(model);
        let read = move |store: &Store| store.promotions(Some(&model), limit);
        let stored = self.shared.jobs.store.run(read).await?;
        Ok(stored
            .into_iter()
            .map(|stored| PromotionResponse::from(current(stored)))
            .collect())
    }

    /// Returns a promotion of a model.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn get(
        &self,
        model: &str,
        id: JobId,
    ) -> Result<Option<PromotionResponse>, StoreError> {
        let model = self.resolve_alias(model);
        let record = match self.shared.jobs.registry.find(id) {
            Some(job) => Some(job.record()),
            None => {
                let read = move |store: &Store| store.promotion(id);
                self.shared.jobs.store.run(read).await?
            }
        };
        Ok(record
            .filter(|record| record.model == model)
            .map(PromotionResponse::from))
    }

    /// Cancels a promotion of a model and waits for its end. A promotion that has ended or has just passed is not changed.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn cancel(
        &self,
        model: &str,
        id: JobId,
    ) -> Result<Option<PromotionResponse>, StoreError> {
        let job = self.shared.jobs.registry.find(id);
        if let Some(job) = job.filter(|job| job.model() == self.resolve_alias(model)) {
            job.state().cancel(Canceller::Client);
            job.finished().await;
        }
        self.get(model, id).await
    }

    /// Rejects further promotions and cancels the pending ones.
    pub fn shut_down(&self) {
        self.shared.jobs.registry.close(Canceller::Shutdown);
    }

    /// Waits until each promotion has ended and is saved.
    pub async fn ended(&self) {
        self.shared.jobs.registry.ended().await;
    }

    pub(super) fn resolve_alias(&self, name: &str) -> String {
        self.shared
            .registry
            .model(name)
            .map_or_else(|| name.to_owned(), |model| model.name)
    }

    /// Registers a job unless one of its model or too many are pending.
    fn register(&self, job: Arc<Job>) -> Result<(), StartError> {
        let model = job.model().to_owned();
        self.shared
            .jobs
            .registry
            .register(job, StartError::ShuttingDown, |pending| {
                if pending.iter().any(|other| other.model() == model) {
                    return Err(PromoteError::InProgress(model).into());
                }
                if pending.len() >= MAX_PENDING {
                    Err(StartError::TooMany)
                } else {
                    Ok(())
                }
            })
    }
}
