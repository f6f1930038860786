//! Runs one evaluation: stores it, waits for a permit, evaluates the model and saves the result.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::Ordering},
};

use futures_util::FutureExt;
use mien_faces::dataset::{Dataset, Split};
use tokio::sync::oneshot;

use super::{
    Status,
    document::Summary,
    duplicates,
    error::RunError,
    job::Job,
    result::EvaluationResult,
    run::{self},
    task::{Shared, Task},
};
use crate::{
    store::{EvaluationEnd, EvaluationRecord, Store, StoreError, now},
    thread_priority::run_at_background_priority,
};

/// Runs a job until it ends or is cancelled. `saved` receives whether the job was stored; a job that was not stored does not
/// run.
pub(super) async fn run(
    shared: Arc<Shared>,
    job: Arc<Job>,
    task: Task,
    saved: oneshot::Sender<Result<(), StoreError>>,
) {
    let record = job.record();
    let inserted = shared
        .store
        .run(move |store| store.insert_evaluation(&record))
        .await;
    if !shared.jobs.confirm(job.id(), inserted, saved) {
        return;
    }

    let evaluate = AssertUnwindSafe(evaluate(&shared, &job, task)).catch_unwind();
    let result = tokio::select! {
        biased;
        () = job.cancelled() => None,
        result = evaluate => Some(result.unwrap_or(Err(RunError::Crashed))),
    };
    finish(&shared, &job, result).await;
    let EvaluationRecord {
        id,
        status,
        model,
        version,
        dataset,
        split,
        error,
        ..
    } = job.record();
    tracing::info!(id, %status, model, version, dataset, %split, error, "evaluation ended");
}

async fn evaluate(shared: &Shared, job: &Job, task: Task) -> Result<EvaluationResult, RunError> {
    let _permit = shared.running.acquire().await;
    let Task {
        model,
        dataset,
        samples,
    } = task;
    let EvaluationRecord {
        dataset: name,
        split,
        ..
    } = job.record();
    let fingerprint = fingerprint(dataset, split).await;
    let started = now();
    let (id, at, sha256) = (job.id().to_owned(), started.clone(), fingerprint.clone());
    let stored = shared
        .store
        .run(move |s| s.start_evaluation(&id, &at, sha256.as_deref()))
        .await;
    stored.map_err(|error| not_saved(&error))?;
    job.start(started, fingerprint);
    let run = run::run(&model, &samples, |update| job.advance(update));
    duplicates::score_without_duplicates(split, run, shared.datasets.test_in_train(&name)).await
}

/// Returns the fingerprint of a split, or `None` if a file cannot be read, which the evaluation then reports.
async fn fingerprint(dataset: Arc<Dataset>, split: Split) -> Option<String> {
    let compute = move || run_at_background_priority(|| dataset.fingerprint(split));
    let fingerprint = tokio::task::spawn_blocking(compute).await;
    fingerprint.ok().and_then(Result::ok)
}

/// Saves the result of a job and then publishes it. `None` stands for a cancelled job.
async fn finish(
    shared: &Shared,
    job: &Arc<Job>,
    result: Option<Result<EvaluationResult, RunError>>,
) {
    let record = job.record();
    let (end, predictions) = match result {
        Some(Ok(result)) => match success(&record, &result) {
            Ok(end) => (end, result.predictions),
            Err(error) => (failure(&record, error.to_string()), Vec::new()),
        },
        Some(Err(error)) => (failure(&record, error.to_string()), Vec::new()),
        None => {
            let end = EvaluationEnd {
                status: Status::Cancelled,
                ..failure(&record, String::new())
            };
            (EvaluationEnd { error: None, ..end }, Vec::new())
        }
    };
    let (id, stored, retention) = (record.id.clone(), end.clone(), shared.retention);
    let save = move |store: &Store| store.finish_evaluation(&id, &stored, &predictions);
    let saved = shared.store.run(save).await;
    // If pruning fails, the next evaluation prunes.
    if saved.is_ok()
        && let Err(error) = shared
            .store
            .run(move |store| store.prune_evaluations(retention))
            .await
    {
        tracing::warn!(%error, "cannot remove old evaluations");
    }
    match saved {
        Ok(_) => {
            if let (Some(accuracy), true) = (end.accuracy, record.is_whole) {
                let EvaluationRecord {
                    model,
                    version,
                    dataset,
                    split,
                    ..
                } = &record;
                shared
                    .metrics
                    .evaluation(model, version, dataset, split.name(), accuracy);
            }
            shared.jobs.remove(job.id());
            job.end(end);
        }
        // Without a stored report the job counts as failed in this process.
        Err(error) => {
            job.is_unsaved.store(true, Ordering::Relaxed);
            job.end(failure(&record, not_saved(&error).to_string()));
        }
    }
}

fn success(
    record: &EvaluationRecord,
    result: &EvaluationResult,
) -> Result<EvaluationEnd, serde_json::Error> {
    let evaluation = &result.evaluation;
    Ok(EvaluationEnd {
        status: Status::Succeeded,
        done: record.done,
        finished: now(),
        accuracy: evaluation.report.score.accuracy,
        error: None,
        summary: Some(serde_json::to_string(&Summary::of(evaluation))?),
        report: Some(serde_json::to_string(evaluation)?),
    })
}

fn failure(record: &EvaluationRecord, error: String) -> EvaluationEnd {
    EvaluationEnd {
        status: Status::Failed,
        done: record.done,
        finished: now(),
        accuracy: None,
        error: Some(error),
        summary: None,
        report: None,
    }
}

/// Logs an error of the store, whose text names paths, and returns the public error.
fn not_saved(error: &StoreError) -> RunError {
    tracing::error!(%error, "cannot save an evaluation");
    RunError::NotSaved
}
