//! One queued or running evaluation: its state, progress and cancellation.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};

use tokio::sync::watch;

use super::{
    Status,
    document::{ImageCount, Progress},
    result::ProgressUpdate,
};
use crate::{
    jobs::RegisteredJob,
    store::{EvaluationEnd, EvaluationRecord},
};

/// A queued or running evaluation.
pub struct Job {
    id: String,
    // The job does not hold the model, because an unsaved job must not keep an unloaded model alive.
    record: watch::Sender<EvaluationRecord>,
    total: usize,
    done: AtomicUsize,
    classified: AtomicUsize,
    correct: AtomicUsize,
    since: OnceLock<Instant>,
    is_cancelled: watch::Sender<bool>,
    /// Whether its result could not be saved, so that only this process has it.
    pub(super) is_unsaved: AtomicBool,
}

impl Job {
    pub(super) fn new(record: EvaluationRecord) -> Self {
        Self {
            id: record.id.clone(),
            total: record.total,
            record: watch::Sender::new(record),
            done: AtomicUsize::new(0),
            classified: AtomicUsize::new(0),
            correct: AtomicUsize::new(0),
            since: OnceLock::new(),
            is_cancelled: watch::Sender::new(false),
            is_unsaved: AtomicBool::new(false),
        }
    }

    /// Identifier of the evaluation.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Current status.
    pub fn status(&self) -> Status {
        self.record.borrow().status
    }

    /// Returns the current record. The report of a successful evaluation is only in the store.
    pub fn record(&self) -> EvaluationRecord {
        let record = self.record.borrow().clone();
        EvaluationRecord {
            done: self.done.load(Ordering::Relaxed),
            ..record
        }
    }

    /// Returns the current progress.
    pub fn progress(&self) -> Progress {
        let record = self.record.borrow();
        let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        let (done, classified) = (count(&self.done), count(&self.classified));
        let elapsed = self.since.get().map(|since| since.elapsed().as_secs_f64());
        let throughput = elapsed
            .filter(|&time| done > 0 && time > 0.0)
            .map(|time| done as f64 / time);
        let is_running = record.status == Status::Running;
        Progress {
            status: record.status,
            images: ImageCount {
                done,
                total: self.total,
            },
            images_per_second: throughput,
            accuracy: (classified > 0).then(|| count(&self.correct) as f64 / classified as f64),
            eta_seconds: throughput
                .filter(|_| is_running)
                .map(|throughput| self.total.saturating_sub(done) as f64 / throughput),
            error: record.error.clone(),
        }
    }

    /// Waits until the status is final and the report is saved, unless saving failed.
    pub async fn finished(&self) {
        // The sender lives as long as `self`, so the wait only ends when the condition holds.
        let _ = self
            .record
            .subscribe()
            .wait_for(|record| record.status.is_final())
            .await;
    }

    pub(super) fn advance(&self, update: ProgressUpdate) {
        self.correct.fetch_add(update.correct, Ordering::Relaxed);
        self.classified
            .fetch_add(update.classified, Ordering::Relaxed);
        self.done.fetch_add(update.images, Ordering::Relaxed);
    }

    pub(super) fn start(&self, started: String, dataset_sha256: Option<String>) {
        let _ = self.since.set(Instant::now());
        self.record.send_modify(|record| {
            record.status = Status::Running;
            record.started = Some(started);
            record.dataset_sha256 = dataset_sha256;
        });
    }

    pub(super) fn end(&self, end: EvaluationEnd) {
        self.record.send_modify(|record| {
            record.status = end.status;
            record.finished = Some(end.finished);
            record.error = end.error;
        });
    }

    /// Requests cancellation. [`Self::finished`] returns when the job has ended.
    pub fn cancel(&self) {
        self.is_cancelled.send_replace(true);
    }

    pub(super) async fn cancelled(&self) {
        let _ = self
            .is_cancelled
            .subscribe()
            .wait_for(|is_cancelled| *is_cancelled)
            .await;
    }
}

impl RegisteredJob for Job {
    fn id(&self) -> &str {
        &self.id
    }

    fn is_unsaved(&self) -> bool {
        self.is_unsaved.load(Ordering::Relaxed)
    }
}
