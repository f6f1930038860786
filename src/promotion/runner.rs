//! The way of one promotion: kept, judged, and then the traffic or the door.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use tokio::sync::oneshot;

use super::{criterion::Order, decide::Judged, job::Job, jobs::Shared, verdict::Verdict};
use crate::{
    models::{ChangeError, Commit, PromoteError},
    store::{Pin, PromotionRecord, PromotionStatus, StoreError, now},
};

/// A promotion that is being worked on.
pub(super) struct PromotionTask {
    pub(super) shared: Arc<Shared>,
    pub(super) job: Arc<Job>,
    pub(super) order: Order,
}

/// How a promotion ended that gave the traffic to nobody, and why.
struct End {
    status: PromotionStatus,
    verdict: Option<Verdict>,
    reason: String,
}

impl End {
    fn failed(reason: String) -> Self {
        Self { status: PromotionStatus::Failed, verdict: None, reason }
    }
}

impl PromotionTask {
    /// Runs it to its end or its cancel. `kept` hears whether it was taken into the store, without which it does not run.
    pub(super) async fn run(self, kept: oneshot::Sender<Result<(), StoreError>>) {
        let Self { shared, job, order } = &self;
        let inserted = self.insert().await;
        let is_kept = inserted.is_ok();
        if !is_kept {
            shared.jobs.remove(job.id());
        }
        // Its client may have gone: the promotion runs all the same.
        let _ = kept.send(inserted);
        if !is_kept {
            return;
        }
        let (model, version) = (job.model(), order.version);
        tracing::info!(id = job.id(), model, version, "promotion begins");

        let judging = AssertUnwindSafe(self.judge()).catch_unwind();
        let judged = tokio::select! {
            biased;
            () = job.cancelled() => Err("it was cancelled".to_owned()),
            judged = judging => judged.unwrap_or_else(|_| {
                Err("the promotion crashed; see the server's log".to_owned())
            }),
        };
        let outcome = match judged {
            Ok(judged) => self.decide(judged).await,
            Err(reason) => Err(End::failed(reason)),
        };
        self.finish(outcome).await;
    }

    /// Keeps the record and, with it, a pin to what serves, where the model has none: were the server killed before the
    /// candidate is loaded, the candidate would otherwise serve after the restart.
    async fn insert(&self) -> Result<(), StoreError> {
        let record = self.job.record();
        let view = self.shared.registry.model(self.job.model());
        let incumbent = view.filter(|model| model.pinned.is_none()).and_then(|model| model.serving);
        let pin = incumbent.map(|version| pin(&record, version));
        self.shared.store.run(move |store| store.insert_promotion(&record, pin.as_ref())).await
    }

    /// Gives the traffic to a candidate that passed; the record that says so, which is kept already.
    async fn decide(&self, judged: Judged) -> Result<PromotionRecord, End> {
        let Judged { verdict, candidate, baseline } = judged;
        let reason = verdict.sentence();
        if !verdict.passed {
            let status = PromotionStatus::Rejected;
            return Err(End { status, verdict: Some(verdict), reason });
        }
        let end = End { status: PromotionStatus::Promoted, verdict: Some(verdict), reason };
        let record = self.ended(&end);
        let kept = record.clone();
        let commit = self.commit(move |_| kept);
        match self.shared.registry.take_over(candidate, baseline, commit).await {
            Ok(()) => Ok(record),
            Err(error) => Err(End { verdict: end.verdict, ..End::failed(told(error)) }),
        }
    }

    /// What writes the record with the pin that goes with it, both or neither, unless somebody has asked it to end.
    pub(super) fn commit(
        &self,
        record: impl FnOnce(Option<u64>) -> PromotionRecord + Send + 'static,
    ) -> Commit {
        let (store, job) = (self.shared.store.clone(), Arc::clone(&self.job));
        Box::new(move |version| {
            if let Some(canceller) = job.canceller() {
                return Err(canceller.reason().to_owned());
            }
            let record = record(version);
            let pin = version.map(|version| pin(&record, version));
            store.update_promotion(&record, pin.as_ref()).map_err(|error| unkept(&error))
        })
    }

    /// Keeps it as it is now.
    pub(super) async fn keep(&self) -> Result<(), String> {
        let record = self.job.record();
        let kept = self.shared.store.run(move |store| store.update_promotion(&record, None)).await;
        kept.map_err(|error| unkept(&error))
    }

    /// The record of one that ends so.
    fn ended(&self, end: &End) -> PromotionRecord {
        // It holds numbers and names alone, which are all there is to JSON.
        let result = end.verdict.as_ref().and_then(|verdict| serde_json::to_string(verdict).ok());
        PromotionRecord {
            status: end.status,
            result,
            reason: Some(end.reason.clone()),
            finished: Some(now()),
            ..self.job.record()
        }
    }

    /// Takes a candidate that does not serve out of service, keeps the end, then tells of it.
    async fn finish(&self, outcome: Result<PromotionRecord, End>) {
        let Self { shared, job, .. } = self;
        let (record, is_kept) = match outcome {
            Ok(record) => (record, true),
            Err(end) => {
                // An error is that the server is on its way down, and the candidate goes with it.
                let _ = shared.registry.leave(job.model()).await;
                let record = self.ended(&self.cancelled_or(end));
                let kept = record.clone();
                // One that failed before the model was pinned leaves nothing of the pin that its order brought.
                let view = shared.registry.model(job.model());
                let unpin = view.is_some_and(|model| model.pinned.is_none());
                let saved = shared.store.run(move |store| {
                    if unpin {
                        store.clear_pin(&kept.model)?;
                    }
                    store.update_promotion(&kept, None)
                });
                (record, saved.await.map_err(|error| unkept(&error)).is_ok())
            }
        };
        if is_kept {
            let keep = shared.keep;
            if let Err(error) = shared.store.run(move |store| store.prune_promotions(keep)).await {
                tracing::warn!("old promotions could not be removed: {error}");
            }
            shared.jobs.remove(job.id());
        } else {
            // Remembered by this server.
            job.set_unkept();
        }
        shared.metrics.promotion(job.model(), record.status.name());
        let PromotionRecord { id, status, model, version, reason, .. } = &record;
        let status = status.name();
        tracing::info!(id, status, model, version, reason, "promotion ended");
        job.update(|present| *present = record);
    }

    /// What failed because somebody has asked it to end was cancelled.
    fn cancelled_or(&self, end: End) -> End {
        match (end.status, self.job.canceller()) {
            (PromotionStatus::Failed, Some(canceller)) => {
                let reason = canceller.reason().to_owned();
                End { status: PromotionStatus::Cancelled, reason, ..end }
            }
            _ => end,
        }
    }
}

/// The pin of a promotion's model to a version.
fn pin(record: &PromotionRecord, version: u64) -> Pin {
    Pin { model: record.model.clone(), version: version.to_string() }
}

/// Why a candidate was not loaded or does not serve, for clients.
pub(super) fn told(error: PromoteError) -> String {
    if let PromoteError::Change(ChangeError::Failed(reason)) = error {
        tracing::error!("a promotion failed: {reason}");
        return "the server failed; its log tells why".to_owned();
    }
    error.to_string()
}

/// The store's own words name paths, and go to the log.
pub(super) fn unkept(error: &StoreError) -> String {
    tracing::error!("a promotion or a pin could not be kept: {error}");
    "it could not be kept; see the server's log".to_owned()
}
