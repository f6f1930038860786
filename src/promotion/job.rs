//! One promotion that waits or runs: its state, its progress, its cancel.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::watch;

use crate::{evaluation, jobs::RegisteredJob, store::PromotionRecord};

/// Who ended a promotion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Canceller {
    /// A client.
    Client,
    /// The end of the server.
    Shutdown,
}

impl Canceller {
    /// The reason of the record.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Client => "a client cancelled it",
            Self::Shutdown => "the server was stopped",
        }
    }
}

/// A promotion that was ordered.
pub struct Job {
    id: String,
    model: String,
    record: watch::Sender<PromotionRecord>,
    /// The evaluation that runs, and the images of those before it.
    evaluation: Mutex<(Option<Arc<evaluation::Job>>, usize)>,
    cancelled: watch::Sender<Option<Canceller>>,
    /// Whether its end could not be kept, so that only this server knows it.
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

    /// The promotion's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The real name of the model.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// What is known about it now.
    pub fn record(&self) -> PromotionRecord {
        let record = self.record.borrow().clone();
        if record.status.is_final() {
            return record;
        }
        let evaluation = self.evaluation.lock().unwrap_or_else(PoisonError::into_inner);
        let (running, before) = &*evaluation;
        let done = before + running.as_ref().map_or(0, |job| job.progress().images.done);
        PromotionRecord { done, ..record }
    }

    /// Whether an evaluation of this id is one of its own.
    pub(super) fn evaluates(&self, id: &str) -> bool {
        let record = self.record.borrow();
        [&record.candidate_evaluation_id, &record.baseline_evaluation_id]
            .into_iter()
            .flatten()
            .any(|own| own == id)
    }

    /// Waits until its status is final and, unless that failed, kept.
    pub async fn finished(&self) {
        // The sender lives as long as `self`, so this only ends by the condition.
        let _ = self.record.subscribe().wait_for(|record| record.status.is_final()).await;
    }

    /// Its progress is that of another evaluation from now on, or stands still.
    pub(super) fn watch(&self, next: Option<Arc<evaluation::Job>>) {
        let mut evaluation = self.evaluation.lock().unwrap_or_else(PoisonError::into_inner);
        let (running, before) = &mut *evaluation;
        *before += running.take().map_or(0, |job| job.progress().images.done);
        *running = next;
    }

    /// Changes what is known about it.
    pub(super) fn update(&self, change: impl FnOnce(&mut PromotionRecord)) {
        self.record.send_modify(change);
    }

    /// Asks it to end; [`Self::finished`] tells when it has. The first one to ask is who ended it.
    pub(super) fn cancel(&self, canceller: Canceller) {
        self.cancelled.send_if_modified(|cancelled| {
            let is_first = cancelled.is_none();
            cancelled.get_or_insert(canceller);
            is_first
        });
    }

    /// Who has asked it to end.
    pub(super) fn canceller(&self) -> Option<Canceller> {
        *self.cancelled.borrow()
    }

    /// Waits until somebody asks it to end.
    pub(super) async fn cancelled(&self) {
        let _ = self.cancelled.subscribe().wait_for(Option::is_some).await;
    }

    pub(super) fn set_unkept(&self) {
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
