//! One pending promotion: its state, progress and cancellation.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::watch;

use crate::{evaluation, jobs::RegisteredJob, store::PromotionRecord};

/// Origin of a cancellation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Canceller {
    /// A client.
    Client,
    /// The shutdown of the server.
    Shutdown,
}

impl Canceller {
    /// Returns the reason for the record.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Client => "cancelled by a client",
            Self::Shutdown => "cancelled by the shutdown of the server",
        }
    }
}

/// A pending promotion.
pub struct Job {
    id: String,
    model: String,
    record: watch::Sender<PromotionRecord>,
    /// The running evaluation, and the number of images of earlier evaluations.
    evaluation: Mutex<(Option<Arc<evaluation::Job>>, usize)>,
    cancelled: watch::Sender<Option<Canceller>>,
    /// Whether its result could not be saved, so that only this process has it.
    is_unsaved: AtomicBool,
}

impl Job {
    pub(super) fn new(record: PromotionRecord) -> Self {
        Self {
            id: record.id.clone(),
            model: record.model.clone(),
            record: watch::Sender::new(record),
            evaluation: Mutex::default(),
            cancelled: watch::Sender::new(None),
            is_unsaved: AtomicBool::new(false),
        }
    }

    /// Identifier of the promotion.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Name of the model, not an alias.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Returns the current record.
    pub fn record(&self) -> PromotionRecord {
        let record = self.record.borrow().clone();
        if record.status.is_final() {
            return record;
        }
        let evaluation = self
            .evaluation
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (running, before) = &*evaluation;
        let done = before + running.as_ref().map_or(0, |job| job.progress().images.done);
        PromotionRecord { done, ..record }
    }

    /// Returns whether the promotion depends on the evaluation with this identifier.
    pub(super) fn depends_on(&self, id: &str) -> bool {
        let record = self.record.borrow();
        [
            &record.candidate_evaluation_id,
            &record.baseline_evaluation_id,
        ]
        .into_iter()
        .flatten()
        .any(|own| own == id)
    }

    /// Waits until the status is final and saved, unless saving failed.
    pub async fn finished(&self) {
        // The sender lives as long as `self`, so the wait only ends when the condition holds.
        let _ = self
            .record
            .subscribe()
            .wait_for(|record| record.status.is_final())
            .await;
    }

    /// Sets the evaluation whose progress counts, or none.
    pub(super) fn watch(&self, next: Option<Arc<evaluation::Job>>) {
        let mut evaluation = self
            .evaluation
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (running, before) = &mut *evaluation;
        *before += running.take().map_or(0, |job| job.progress().images.done);
        *running = next;
    }

    /// Updates the record.
    pub(super) fn update(&self, change: impl FnOnce(&mut PromotionRecord)) {
        self.record.send_modify(change);
    }

    /// Requests cancellation. [`Self::finished`] returns when the job has ended. The first request determines the reason.
    pub(super) fn cancel(&self, canceller: Canceller) {
        self.cancelled.send_if_modified(|cancelled| {
            let is_first = cancelled.is_none();
            cancelled.get_or_insert(canceller);
            is_first
        });
    }

    /// Returns the origin of the cancellation, if there is one.
    pub(super) fn canceller(&self) -> Option<Canceller> {
        *self.cancelled.borrow()
    }

    /// Waits for a cancellation.
    pub(super) async fn cancelled(&self) {
        let _ = self.cancelled.subscribe().wait_for(Option::is_some).await;
    }

    pub(super) fn set_unsaved(&self) {
        self.is_unsaved.store(true, Ordering::Relaxed);
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
