//! What a version makes of a promotion's images.

use std::{sync::Arc, time::Duration};

use mien_faces::report::Prediction;

use super::{
    runner::{PromotionTask, unkept},
    verdict::Side,
};
use crate::{
    evaluation::{self, StartError, Status},
    models::live::LiveModel,
    store::{EvaluationFilter, EvaluationRecord, PromotionRecord, moment},
};

/// How often it is looked whether there is room for an evaluation, or whether the version is still there.
const LOOK: Duration = Duration::from_millis(250);

/// An evaluation that ends with whoever waits for it.
struct Running(Arc<evaluation::Job>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl PromotionTask {
    /// Evaluates a version below live traffic; `note` puts the evaluation's id into the record. Dropping the future
    /// cancels the evaluation.
    ///
    /// # Errors
    /// Why there are no predictions.
    pub(super) async fn evaluate(
        &self,
        model: &Arc<LiveModel>,
        note: fn(&mut PromotionRecord, String),
    ) -> Result<Side, String> {
        let evaluations = &self.shared.evaluations;
        let Running(evaluation) = &loop {
            match evaluations.start(self.order.images.clone(), Arc::clone(model)).await {
                Ok(evaluation) => break Running(evaluation),
                Err(StartError::TooMany) => tokio::time::sleep(LOOK).await,
                Err(StartError::Store(error)) => return Err(unkept(&error)),
                Err(error) => return Err(error.to_string()),
            }
        };
        self.job.update(|record| note(record, evaluation.id().to_owned()));
        self.keep().await?;
        self.job.watch(Some(Arc::clone(evaluation)));
        while tokio::time::timeout(LOOK, evaluation.finished()).await.is_err() {
            if !self.is_there(model) {
                return Err(format!("version {} was unloaded or removed meanwhile", model.version));
            }
        }
        self.job.watch(None);
        self.found(model, evaluation.id()).await
    }

    /// Whether a version serves, be it from another file.
    fn is_there(&self, model: &LiveModel) -> bool {
        let version = model.version.to_string();
        self.shared.registry.resolve(Some(&model.name), Some(&version)).is_ok()
    }

    /// What an evaluation that has ended found out.
    async fn found(&self, model: &LiveModel, id: &str) -> Result<Side, String> {
        let of = format!("the evaluation of version {}", model.version);
        let gone = || format!("{of} is no longer kept (--evaluation-retention)");
        let record = self.shared.evaluations.record(id).await.map_err(|error| unkept(&error))?;
        let record = record.ok_or_else(gone)?;
        match record.status {
            Status::Succeeded => {}
            Status::Failed => return Err(format!("{of}: {}", record.error.unwrap_or_default())),
            Status::Cancelled => return Err(format!("{of} was cancelled")),
            Status::Queued | Status::Running => return Err(format!("{of} has not ended")),
        }
        let evaluation = record.id.clone();
        let read = self.shared.store.run(move |store| store.predictions(&evaluation)).await;
        let predictions = read.map_err(|error| unkept(&error))?;
        if predictions.is_empty() {
            return Err(gone());
        }
        let unread = record.total.saturating_sub(predictions.len());
        if unread > 0 {
            return Err(format!("{of}: {unread} of {} images could not be read", record.total));
        }
        Ok(side(model, record, predictions))
    }

    /// The newest evaluation of a version as it is loaded now that is kept on `images` of these images, or more. One from
    /// before it was loaded may be of the same file with another `mien.toml` beside it, which is in no hash.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn kept(
        &self,
        model: &LiveModel,
        images: usize,
    ) -> Result<Option<Side>, String> {
        let filter = EvaluationFilter {
            model: Some(model.name.clone()),
            dataset: Some(self.order.images.dataset.clone()),
            split: Some(self.order.images.split),
            status: Some(Status::Succeeded),
            ..EvaluationFilter::default()
        };
        let (sha256, version) = (model.sha256.clone(), model.version.to_string());
        let loaded = moment(model.loaded);
        let found = self.shared.store.run(move |store| {
            let fits = |record: &EvaluationRecord| {
                // A smaller choice of images is a part of a larger one.
                let same = record.sha256 == sha256 && record.version == version;
                let since = record.created >= loaded;
                same && since && record.dataset_sha256.is_some() && record.total >= images
            };
            let record = store.evaluations(&filter, usize::MAX)?.into_iter().find(fits);
            let Some(record) = record else { return Ok(None) };
            let predictions = store.predictions(&record.id)?;
            Ok(Some((record, predictions)))
        });
        let found = found.await.map_err(|error| unkept(&error))?;
        let whole = found.filter(|(record, predictions)| predictions.len() == record.total);
        Ok(whole.map(|(record, predictions)| side(model, record, predictions)))
    }
}

fn side(model: &LiveModel, record: EvaluationRecord, predictions: Vec<Prediction>) -> Side {
    Side {
        version: model.version,
        evaluation: record.id,
        dataset_sha256: record.dataset_sha256,
        predictions,
    }
}
