//! Runs one promotion: stores it, evaluates the candidate, then switches traffic to it or unloads it.

use std::sync::Arc;

use super::{
    decide::Decision, error::PromotionError, job::Job, task::PromotionTask, verdict::Verdict,
};
use crate::{
    jobs::{Finished, Job as _, Jobs, Outcome, Task},
    models::{ModelVersion, PersistPin, PersistPinError},
    store::{Pin, PromotionRecord, PromotionStatus, Store, StoreError},
    timestamp::Timestamp,
};

/// The outcome of a promotion, as its record states it.
struct PromotionOutcome {
    status: PromotionStatus,
    verdict: Option<Verdict>,
    reason: String,
}

impl From<PromotionError> for PromotionOutcome {
    fn from(error: PromotionError) -> Self {
        error.log_hidden_cause();
        Self {
            status: PromotionStatus::Failed,
            verdict: None,
            reason: error.to_string(),
        }
    }
}

impl Task for PromotionTask {
    type Job = Job;
    type Output = Result<Decision, PromotionError>;

    fn job(&self) -> &Job {
        &self.job
    }

    fn jobs(&self) -> &Jobs<Job> {
        &self.shared.jobs
    }

    /// Stores the record together with a pin to the serving version if the model is not pinned yet. Without the pin, a server
    /// that is killed before the candidate is loaded would serve the candidate after the restart.
    async fn insert(&self) -> Result<(), StoreError> {
        let record = self.job.record();
        let view = self.shared.registry.model(self.job.model());
        let incumbent = view
            .filter(|model| model.pinned.is_none())
            .and_then(|model| model.serving);
        let pin = incumbent.map(|version| pin(&record, version));
        let insert = move |store: &Store| store.insert_promotion(&record, pin.as_ref());
        self.shared.jobs.store.run(insert).await?;
        let (model, version) = (self.job.model(), self.spec.version);
        tracing::info!(
            id = %self.job.id(),
            model,
            version = version.get(),
            "promotion started"
        );
        Ok(())
    }

    /// Switches traffic to a candidate that passed. Unloads any other candidate and saves why it does not serve.
    async fn finish(
        &self,
        outcome: Outcome<Result<Decision, PromotionError>>,
    ) -> Finished<PromotionRecord> {
        let decision = match outcome {
            Outcome::Completed(decision) => decision,
            Outcome::Cancelled => Err(PromotionError::Cancelled),
            Outcome::Crashed => Err(PromotionError::Crashed),
        };
        let outcome = match decision {
            Ok(decision) => self.apply(decision).await,
            Err(error) => Err(error.into()),
        };
        let (record, is_saved) = match outcome {
            Ok(record) => (record, true),
            Err(failure) => self.discard(failure).await,
        };
        self.shared
            .metrics
            .count_promotion(self.job.model(), record.status.name());
        log_end(&record);
        Finished { record, is_saved }
    }

    fn prune(store: &Store, retention: usize) -> Result<usize, StoreError> {
        store.prune_promotions(retention)
    }
}

impl PromotionTask {
    /// Switches traffic to a candidate that passed and returns the record, which is stored already.
    async fn apply(&self, decision: Decision) -> Result<PromotionRecord, PromotionOutcome> {
        let Decision {
            verdict,
            candidate,
            baseline,
        } = decision;
        let reason = verdict.sentence();
        if !verdict.passed {
            let status = PromotionStatus::Rejected;
            return Err(PromotionOutcome {
                status,
                verdict: Some(verdict),
                reason,
            });
        }
        let promoted = PromotionOutcome {
            status: PromotionStatus::Promoted,
            verdict: Some(verdict),
            reason,
        };
        let record = self.ended(&promoted);
        let stored = record.clone();
        let persist = self.persist(move |_| stored);
        match self
            .shared
            .registry
            .promote_candidate(candidate, baseline, persist)
            .await
        {
            Ok(()) => Ok(record),
            Err(error) => Err(PromotionOutcome {
                verdict: promoted.verdict,
                ..PromotionError::from(error).into()
            }),
        }
    }

    /// Returns a callback that stores the record and its pin in one transaction, unless the promotion was cancelled.
    pub(super) fn persist(
        &self,
        record: impl FnOnce(Option<ModelVersion>) -> PromotionRecord + Send + 'static,
    ) -> PersistPin {
        let (store, job) = (self.shared.jobs.store.clone(), Arc::clone(&self.job));
        Box::new(move |version| {
            if job.state().cancellation().is_some() {
                return Err(PersistPinError::Cancelled);
            }
            let record = record(version);
            let pin = version.map(|version| pin(&record, version));
            store
                .update_promotion(&record, pin.as_ref())
                .map_err(|error| PersistPinError::NotSaved(error.into()))
        })
    }

    /// Saves the current record.
    pub(super) async fn save(&self) -> Result<(), StoreError> {
        let record = self.job.record();
        let save = move |store: &Store| store.update_promotion(&record, None);
        self.shared.jobs.store.run(save).await
    }

    /// Returns the record of a promotion with this outcome.
    fn ended(&self, outcome: &PromotionOutcome) -> PromotionRecord {
        // A verdict contains only numbers and names, so it is always serialised.
        let result = outcome
            .verdict
            .as_ref()
            .and_then(|verdict| serde_json::to_string(verdict).ok());
        PromotionRecord {
            status: outcome.status,
            result,
            reason: Some(outcome.reason.clone()),
            finished: Some(Timestamp::now()),
            ..self.job.record()
        }
    }

    /// Unloads a candidate that does not serve and saves the reason. Returns the record and whether it is saved.
    async fn discard(&self, failure: PromotionOutcome) -> (PromotionRecord, bool) {
        let Self { shared, job, .. } = self;
        // This fails only while the server is shutting down, which unloads the candidate too.
        let _ = shared.registry.discard_candidate(job.model()).await;
        let record = self.ended(&self.cancelled_or(failure));
        let stored = record.clone();
        // A promotion that failed before the model was pinned must not leave the pin of its insertion.
        let view = shared.registry.model(job.model());
        let unpin = view.is_some_and(|model| model.pinned.is_none());
        let save = move |store: &Store| {
            if unpin {
                store.clear_pin(&stored.model)?;
            }
            store.update_promotion(&stored, None)
        };
        let saved = shared.jobs.store.run(save).await;
        let is_saved = saved
            .map_err(|error| PromotionError::from(error).log_hidden_cause())
            .is_ok();
        (record, is_saved)
    }

    /// Converts a failure to a cancellation if the promotion was cancelled.
    fn cancelled_or(&self, outcome: PromotionOutcome) -> PromotionOutcome {
        match (outcome.status, self.job.state().cancellation()) {
            (PromotionStatus::Failed, Some(canceller)) => {
                let reason = canceller.reason().to_owned();
                PromotionOutcome {
                    status: PromotionStatus::Cancelled,
                    reason,
                    ..outcome
                }
            }
            _ => outcome,
        }
    }
}

fn log_end(record: &PromotionRecord) {
    let PromotionRecord {
        id,
        status,
        model,
        version,
        reason,
        ..
    } = record;
    let status = status.name();
    tracing::info!(%id, status, model, %version, reason, "promotion ended");
}

/// Returns a pin of the model to a version.
fn pin(record: &PromotionRecord, version: ModelVersion) -> Pin {
    Pin {
        model: record.model.clone(),
        version,
    }
}
