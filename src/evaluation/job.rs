//! One queued or running evaluation: its state, progress and cancellation.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
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
    jobs::{self, JobRecord, JobState},
    store::{EvaluationRecord, JobId},
    timestamp::Timestamp,
};

/// A queued or running evaluation.
pub struct Job {
    // The job does not hold the model, because an unsaved job must not keep an unloaded model alive.
    state: JobState<EvaluationRecord, ()>,
    total: usize,
    done: AtomicUsize,
    classified: AtomicUsize,
    correct: AtomicUsize,
    since: OnceLock<Instant>,
}

impl Job {
    pub(super) fn new(record: EvaluationRecord) -> Self {
        Self {
            total: record.total,
            state: JobState::new(record),
            done: AtomicUsize::new(0),
            classified: AtomicUsize::new(0),
            correct: AtomicUsize::new(0),
            since: OnceLock::new(),
        }
    }

    /// Current status.
    pub fn status(&self) -> Status {
        self.state.record().status
    }

    /// Returns the current progress.
    pub fn progress(&self) -> Progress {
        let record = self.state.record();
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

    pub(super) fn advance(&self, update: ProgressUpdate) {
        self.correct.fetch_add(update.correct, Ordering::Relaxed);
        self.classified
            .fetch_add(update.classified, Ordering::Relaxed);
        self.done.fetch_add(update.images, Ordering::Relaxed);
        // Notifies the receivers of `subscribe`.
        self.state.update(|_| ());
    }

    pub(super) fn start(&self, started: Timestamp, dataset_sha256: Option<String>) {
        let _ = self.since.set(Instant::now());
        self.state.update(|record| {
            record.status = Status::Running;
            record.started = Some(started);
            record.dataset_sha256 = dataset_sha256;
        });
    }

    /// Returns a receiver that is notified when the status or the progress changes.
    pub fn subscribe(&self) -> watch::Receiver<EvaluationRecord> {
        self.state.subscribe()
    }

    /// Requests cancellation. [`jobs::Job::finished`] returns when the job has ended.
    pub fn cancel(&self) {
        self.state.cancel(());
    }
}

impl jobs::Job for Job {
    type Record = EvaluationRecord;
    type Cancellation = ();

    fn state(&self) -> &JobState<EvaluationRecord, ()> {
        &self.state
    }

    /// Returns the current record. The report of a successful evaluation is only in the store.
    fn record(&self) -> EvaluationRecord {
        let record = self.state.record().clone();
        EvaluationRecord {
            done: self.done.load(Ordering::Relaxed),
            ..record
        }
    }
}

impl JobRecord for EvaluationRecord {
    fn id(&self) -> JobId {
        self.id
    }

    fn is_final(&self) -> bool {
        self.status.is_final()
    }
}
