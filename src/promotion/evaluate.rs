//! Evaluates a version for a promotion.

use std::sync::Arc;

use mien_faces::report::Predictions;

use super::{
    error::{EvaluationProblem, PromotionError},
    evaluated_version::EvaluatedVersion,
    task::PromotionTask,
    verdict::Measurement,
};
use crate::{
    evaluation::{self, Status},
    jobs::Job as _,
    models::live::LiveModel,
    store::{EvaluationFilter, EvaluationRecord, JobId, PromotionRecord, Store},
};

/// Cancels the evaluation on drop.
struct Running(Arc<evaluation::Job>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl PromotionTask {
    /// Evaluates a version at background priority. `set_id` stores the identifier of the evaluation in the record. Dropping the
    /// future cancels the evaluation.
    ///
    /// # Errors
    /// Returns an error if the evaluation cannot be started or used.
    pub(super) async fn evaluate(
        &self,
        model: &Arc<LiveModel>,
        set_id: fn(&mut PromotionRecord, JobId),
    ) -> Result<Measurement, PromotionError> {
        let evaluations = &self.shared.evaluations;
        let images = &self.spec.images;
        let Running(evaluation) = &Running(evaluations.start_when_admitted(images, model).await?);
        self.job
            .state()
            .update(|record| set_id(record, evaluation.id()));
        self.save().await?;
        self.job.set_evaluation(Some(Arc::clone(evaluation)));
        self.finished_while_loaded(evaluation, model).await?;
        self.job.set_evaluation(None);
        self.read(model, evaluation.id()).await
    }

    /// Waits until the evaluation has ended.
    ///
    /// # Errors
    /// Returns an error if the version is unloaded meanwhile.
    async fn finished_while_loaded(
        &self,
        evaluation: &evaluation::Job,
        model: &LiveModel,
    ) -> Result<(), PromotionError> {
        let mut changes = self.shared.registry.subscribe();
        while self.is_loaded(model) {
            tokio::select! {
                biased;
                () = evaluation.finished() => return Ok(()),
                // The sender lives as long as the registry, so the wait only ends when models have changed.
                _ = changes.changed() => {}
            }
        }
        Err(PromotionError::Unloaded(model.version))
    }

    /// Returns whether the version is loaded, possibly from another file.
    fn is_loaded(&self, model: &LiveModel) -> bool {
        let version = model.version.to_string();
        self.shared
            .registry
            .resolve(Some(&model.name), Some(&version))
            .is_ok()
    }

    /// Reads the predictions of an ended evaluation.
    async fn read(&self, model: &LiveModel, id: JobId) -> Result<Measurement, PromotionError> {
        let unusable = |problem| PromotionError::Evaluation {
            version: model.version,
            problem,
        };
        let removed = || unusable(EvaluationProblem::Removed);
        let record = self.shared.evaluations.record(id).await?;
        let record = record.ok_or_else(removed)?;
        let problem = match record.status {
            Status::Succeeded => None,
            Status::Failed => Some(EvaluationProblem::Failed(
                record.error.clone().unwrap_or_default(),
            )),
            Status::Cancelled => Some(EvaluationProblem::Cancelled),
            Status::Queued | Status::Running => Some(EvaluationProblem::Unfinished),
        };
        if let Some(problem) = problem {
            return Err(unusable(problem));
        }
        let read = move |store: &Store| store.predictions(id);
        let predictions = self.shared.jobs.store.run(read).await?;
        if predictions.images.is_empty() {
            return Err(removed());
        }
        let total = record.total;
        let unreadable = total.saturating_sub(predictions.images.len());
        if unreadable > 0 {
            return Err(unusable(EvaluationProblem::Unreadable {
                unreadable,
                total,
            }));
        }
        Ok(side(model, record, predictions))
    }

    /// Returns the newest stored evaluation of a version, by the same engine, on at least `images` of these images. Evaluations from before the
    /// version was loaded do not count, because its `mien.toml`, which the hash does not cover, may have changed.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub(super) async fn stored(
        &self,
        model: &LiveModel,
        images: usize,
    ) -> Result<Option<Measurement>, PromotionError> {
        let filter = EvaluationFilter {
            model: Some(model.name.clone()),
            dataset: Some(self.spec.images.dataset.clone()),
            split: Some(self.spec.images.split),
            status: Some(Status::Succeeded),
            ..EvaluationFilter::default()
        };
        let version = EvaluatedVersion::of(model);
        let found = self.shared.jobs.store.run(move |store| {
            // A smaller selection of images is a prefix of a larger one.
            let fits = |record: &EvaluationRecord| {
                version.is_measured_by(record) && record.total >= images
            };
            let record = store
                .evaluations(&filter, usize::MAX)?
                .into_iter()
                .find(fits);
            let Some(record) = record else {
                return Ok(None);
            };
            let predictions = store.predictions(record.id)?;
            Ok(Some((record, predictions)))
        });
        let whole = found
            .await?
            .filter(|(record, predictions)| predictions.images.len() == record.total);
        Ok(whole.map(|(record, predictions)| side(model, record, predictions)))
    }
}

fn side(model: &LiveModel, record: EvaluationRecord, predictions: Predictions) -> Measurement {
    Measurement {
        version: model.version,
        evaluation: record.id,
        dataset_sha256: record.dataset_sha256,
        predictions,
    }
}
