//! Runs one evaluation: waits for a permit, evaluates the model and saves the result.

use std::sync::Arc;

use mien_faces::{
    dataset::{Dataset, Split},
    report::Predictions,
};

use super::{
    Status,
    document::Summary,
    duplicates,
    error::RunError,
    job::Job,
    result::EvaluationResult,
    run::{self},
    task::{EvaluationTask, Input, Shared},
};
use crate::{
    drift::{Profile, Reference},
    jobs::{Finished, Job as _, Jobs, Outcome, Task},
    store::{EvaluationEnd, EvaluationRecord, Store, StoreError},
    thread_priority::run_at_background_priority,
    timestamp::Timestamp,
};

impl Task for EvaluationTask {
    type Job = Job;
    type Output = Result<EvaluationResult, RunError>;

    fn job(&self) -> &Job {
        &self.job
    }

    fn jobs(&self) -> &Jobs<Job> {
        &self.shared.jobs
    }

    async fn insert(&self) -> Result<(), StoreError> {
        let record = self.job.record();
        let insert = move |store: &Store| store.insert_evaluation(&record);
        self.shared.jobs.store.run(insert).await
    }

    async fn finish(
        &self,
        outcome: Outcome<Result<EvaluationResult, RunError>>,
    ) -> Finished<EvaluationRecord> {
        let record = self.job.record();
        let result = match outcome {
            Outcome::Completed(result) => result,
            Outcome::Crashed => Err(RunError::Crashed),
            Outcome::Cancelled => Err(RunError::Cancelled),
        };
        let without_result = |end| (end, Predictions::default(), None);
        let (end, predictions, profile) = match result {
            Ok(mut result) => {
                result.profile = result.profile.filter(|_| Reference::is_possible(&record));
                match success(&record, &result) {
                    Ok(end) => (end, result.predictions, result.profile),
                    Err(error) => without_result(failure(&record, error.to_string())),
                }
            }
            Err(RunError::Cancelled) => without_result(cancellation(&record)),
            Err(error) => without_result(failure(&record, error.to_string())),
        };
        let (id, stored) = (record.id, end.clone());
        let save = move |store: &Store| store.finish_evaluation(id, &stored, &predictions);
        let saved = self.shared.jobs.store.run(save).await;
        let is_saved = saved.is_ok();
        // Without a stored report the job counts as failed in this process.
        let end = saved.map_or_else(
            |error| failure(&record, not_saved(&error).to_string()),
            |()| end,
        );
        record_accuracy(&self.shared, &record, &end);
        // The traffic of the evaluated version is compared with the evaluation from now on.
        if let (true, Some(drift), Some(profile)) = (is_saved, &self.shared.drift, profile) {
            drift.set_reference(&record, end.finished, profile);
        }
        let record = EvaluationRecord {
            status: end.status,
            finished: Some(end.finished),
            error: end.error,
            ..record
        };
        log_end(&record);
        Finished { record, is_saved }
    }

    fn prune(store: &Store, retention: usize) -> Result<usize, StoreError> {
        store.prune_evaluations(retention)
    }
}

/// Evaluates the model when a permit is available.
pub(super) async fn evaluate(
    EvaluationTask { shared, job }: EvaluationTask,
    input: Input,
) -> Result<EvaluationResult, RunError> {
    let _permit = shared.running.acquire().await;
    let Input {
        model,
        dataset,
        samples,
    } = input;
    let EvaluationRecord {
        dataset: name,
        split,
        ..
    } = job.record();
    let fingerprint = fingerprint(Arc::clone(&dataset), split).await;
    let started = Timestamp::now();
    let (id, sha256) = (job.id(), fingerprint.clone());
    let start = move |store: &Store| store.start_evaluation(id, started, sha256.as_deref());
    let stored = shared.jobs.store.run(start).await;
    stored.map_err(|error| not_saved(&error))?;
    job.start(started, fingerprint);
    let run = run::run(&model, &dataset, &samples, |update| job.advance(update));
    duplicates::score_without_duplicates(split, run, shared.datasets.test_in_train(&name)).await
}

/// Returns the fingerprint of a split, or `None` if a file cannot be read, which the evaluation then reports.
async fn fingerprint(dataset: Arc<Dataset>, split: Split) -> Option<String> {
    let compute = move || run_at_background_priority(|| dataset.fingerprint(split));
    let fingerprint = tokio::task::spawn_blocking(compute).await;
    fingerprint.ok().and_then(Result::ok)
}

/// Sets the accuracy metric if the evaluation was on a whole split.
fn record_accuracy(shared: &Shared, record: &EvaluationRecord, end: &EvaluationEnd) {
    if let (Some(accuracy), true) = (end.accuracy, record.is_whole) {
        let EvaluationRecord {
            model,
            version,
            dataset,
            split,
            ..
        } = record;
        let version = version.to_string();
        shared
            .metrics
            .record_accuracy(model, &version, dataset, split.name(), accuracy);
    }
}

fn log_end(record: &EvaluationRecord) {
    let EvaluationRecord {
        id,
        status,
        model,
        version,
        dataset,
        split,
        error,
        ..
    } = record;
    tracing::info!(%id, %status, model, %version, dataset, %split, error, "evaluation ended");
}

fn success(
    record: &EvaluationRecord,
    result: &EvaluationResult,
) -> Result<EvaluationEnd, serde_json::Error> {
    let evaluation = &result.evaluation;
    let profile = result.profile.as_ref();
    Ok(EvaluationEnd {
        status: Status::Succeeded,
        done: record.done,
        finished: Timestamp::now(),
        accuracy: evaluation.report.score.accuracy,
        error: None,
        summary: Some(serde_json::to_string(&Summary::of(evaluation))?),
        report: Some(serde_json::to_string(evaluation)?),
        profile: profile.map(Profile::to_json).transpose()?,
    })
}

fn failure(record: &EvaluationRecord, error: String) -> EvaluationEnd {
    EvaluationEnd {
        status: Status::Failed,
        done: record.done,
        finished: Timestamp::now(),
        accuracy: None,
        error: Some(error),
        summary: None,
        report: None,
        profile: None,
    }
}

fn cancellation(record: &EvaluationRecord) -> EvaluationEnd {
    EvaluationEnd {
        status: Status::Cancelled,
        error: None,
        ..failure(record, String::new())
    }
}

/// Logs an error of the store, whose text names paths, and returns the public error.
fn not_saved(error: &StoreError) -> RunError {
    tracing::error!(%error, "cannot save an evaluation");
    RunError::NotSaved
}
