//! The way of one evaluation: kept, waited, run, kept again.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::Ordering},
};

use futures_util::FutureExt;
use mien_faces::dataset::{Dataset, Sample, Split};
use tokio::sync::oneshot;

use super::{
    Status,
    document::Summary,
    duplicates,
    job::Job,
    jobs::Shared,
    run::{self, EvaluationResult, RunError},
};
use crate::{
    models::registry::LiveModel,
    store::{EvaluationEnd, EvaluationRecord, Store, StoreError, now},
    thread_priority::run_at_background_priority,
};

/// What an evaluation works with.
pub(super) struct Task {
    pub(super) model: Arc<LiveModel>,
    pub(super) dataset: Arc<Dataset>,
    pub(super) samples: Vec<Sample>,
}

/// Runs a job to its end or its cancel. `kept` hears whether it was taken into the store, without which it does not
/// run.
pub(super) async fn work(
    shared: Arc<Shared>,
    job: Arc<Job>,
    task: Task,
    kept: oneshot::Sender<Result<(), StoreError>>,
) {
    let record = job.record();
    let inserted = shared.store.run(move |store| store.insert_evaluation(&record)).await;
    let is_kept = inserted.is_ok();
    if !is_kept {
        shared.jobs.remove(job.id());
    }
    // Its client may have gone: the evaluation runs all the same.
    let _ = kept.send(inserted);
    if !is_kept {
        return;
    }

    let evaluate = AssertUnwindSafe(evaluate(&shared, &job, task)).catch_unwind();
    let result = tokio::select! {
        biased;
        () = job.cancelled() => None,
        result = evaluate => Some(result.unwrap_or(Err(RunError::Crashed))),
    };
    finish(&shared, &job, result).await;
    let EvaluationRecord { id, status, model, version, dataset, split, error, .. } = job.record();
    tracing::info!(id, %status, model, version, dataset, %split, error, "evaluation ended");
}

async fn evaluate(shared: &Shared, job: &Job, task: Task) -> Result<EvaluationResult, RunError> {
    let _turn = shared.running.acquire().await;
    let Task { model, dataset, samples } = task;
    let EvaluationRecord { dataset: name, split, .. } = job.record();
    let fingerprint = fingerprint(dataset, split).await;
    let started = now();
    let (id, at, sha256) = (job.id().to_owned(), started.clone(), fingerprint.clone());
    let noted = shared.store.run(move |s| s.start_evaluation(&id, &at, sha256.as_deref())).await;
    noted.map_err(|error| unkept(&error))?;
    job.start(started, fingerprint);
    let run = run::run(&model, &samples, |advance| job.advance(advance));
    duplicates::leave_out(split, run, shared.datasets.test_in_train(&name)).await
}

/// The fingerprint of a split; none where a file cannot be read, which the run tells of.
async fn fingerprint(dataset: Arc<Dataset>, split: Split) -> Option<String> {
    let take = move || run_at_background_priority(|| dataset.fingerprint(split));
    let taken = tokio::task::spawn_blocking(take).await;
    taken.ok().and_then(Result::ok)
}

/// Keeps the end of a job, then tells of it. `None` is a cancel.
async fn finish(
    shared: &Shared,
    job: &Arc<Job>,
    result: Option<Result<EvaluationResult, RunError>>,
) {
    let record = job.record();
    let (end, predictions) = match result {
        Some(Ok(finding)) => match success(&record, &finding) {
            Ok(end) => (end, finding.predictions),
            Err(error) => (failure(&record, error.to_string()), Vec::new()),
        },
        Some(Err(error)) => (failure(&record, error.to_string()), Vec::new()),
        None => {
            let end =
                EvaluationEnd { status: Status::Cancelled, ..failure(&record, String::new()) };
            (EvaluationEnd { error: None, ..end }, Vec::new())
        }
    };
    let (id, kept, keep) = (record.id.clone(), end.clone(), shared.keep);
    let save = move |store: &Store| store.finish_evaluation(&id, &kept, &predictions);
    let saved = shared.store.run(save).await;
    // What is too many stays until the next one ends.
    if saved.is_ok()
        && let Err(error) = shared.store.run(move |store| store.prune_evaluations(keep)).await
    {
        tracing::warn!(%error, "old evaluations could not be removed");
    }
    match saved {
        Ok(_) => {
            if let (Some(accuracy), true) = (end.accuracy, record.is_whole) {
                let EvaluationRecord { model, version, dataset, split, .. } = &record;
                shared.metrics.evaluation(model, version, dataset, split.name(), accuracy);
            }
            shared.jobs.remove(job.id());
            job.end(end);
        }
        // Remembered by this server as failed, for there is no report to be had.
        Err(error) => {
            job.is_unsaved.store(true, Ordering::Relaxed);
            job.end(failure(&record, unkept(&error).to_string()));
        }
    }
}

fn success(
    record: &EvaluationRecord,
    finding: &EvaluationResult,
) -> Result<EvaluationEnd, serde_json::Error> {
    let evaluation = &finding.evaluation;
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

/// The store's own words name paths, and go to the log.
fn unkept(error: &StoreError) -> RunError {
    tracing::error!("an evaluation could not be kept: {error}");
    RunError::NotKept
}
