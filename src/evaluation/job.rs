//! One evaluation that waits or runs: its state, its progress, its cancel.

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
    run::ProgressUpdate,
};
use crate::{
    jobs::RegisteredJob,
    store::{EvaluationEnd, EvaluationRecord},
};

/// An evaluation that was ordered.
pub struct Job {
    id: String,
    // Not the model itself: a job that is remembered must not keep an unloaded model alive.
    record: watch::Sender<EvaluationRecord>,
    total: usize,
    done: AtomicUsize,
    judged: AtomicUsize,
    correct: AtomicUsize,
    since: OnceLock<Instant>,
    is_cancelled: watch::Sender<bool>,
    /// Whether its end could not be kept, so that only this server knows it.
    pub(super) is_unsaved: AtomicBool,
}

impl Job {
    pub(super) fn new(record: EvaluationRecord) -> Self {
        Self {
            id: record.id.clone(),
            total: record.total,
            record: watch::Sender::new(record),
            done: AtomicUsize::new(0),
            judged: AtomicUsize::new(0),
            correct: AtomicUsize::new(0),
            since: OnceLock::new(),
            is_cancelled: watch::Sender::new(false),
            is_unsaved: AtomicBool::new(false),
        }
    }

    /// The evaluation's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where it stands.
    pub fn status(&self) -> Status {
        self.record.borrow().status
    }

    /// What is known about it now. The report of one that succeeded is in the store alone.
    pub fn record(&self) -> EvaluationRecord {
        let record = self.record.borrow().clone();
        EvaluationRecord { done: self.done.load(Ordering::Relaxed), ..record }
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        let record = self.record.borrow();
        let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        let (done, judged) = (count(&self.done), count(&self.judged));
        let elapsed = self.since.get().map(|since| since.elapsed().as_secs_f64());
        let pace = elapsed.filter(|&time| done > 0 && time > 0.0).map(|time| done as f64 / time);
        let is_running = record.status == Status::Running;
        Progress {
            status: record.status,
            images: ImageCount { done, total: self.total },
            images_per_second: pace,
            accuracy: (judged > 0).then(|| count(&self.correct) as f64 / judged as f64),
            eta_seconds: pace
                .filter(|_| is_running)
                .map(|pace| self.total.saturating_sub(done) as f64 / pace),
            error: record.error.clone(),
        }
    }

    /// Waits until its status is final and, unless that failed, its report kept.
    pub async fn finished(&self) {
        // The sender lives as long as `self`, so this only ends by the condition.
        let _ = self.record.subscribe().wait_for(|record| record.status.is_final()).await;
    }

    pub(super) fn advance(&self, advance: ProgressUpdate) {
        self.correct.fetch_add(advance.correct, Ordering::Relaxed);
        self.judged.fetch_add(advance.judged, Ordering::Relaxed);
        self.done.fetch_add(advance.images, Ordering::Relaxed);
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

    /// Asks it to end; [`Self::finished`] tells when it has.
    pub fn cancel(&self) {
        self.is_cancelled.send_replace(true);
    }

    pub(super) async fn cancelled(&self) {
        let _ = self.is_cancelled.subscribe().wait_for(|is_cancelled| *is_cancelled).await;
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
