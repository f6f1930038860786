//! One pending promotion: its state, progress and cancellation.

use std::sync::{Arc, Mutex};

use mien_host::sync::lock;

use crate::{
    evaluation,
    jobs::{self, JobRecord, JobState},
    store::{JobId, PromotionRecord},
};

/// Origin of a cancellation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Canceller {
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
    state: JobState<PromotionRecord, Canceller>,
    model: String,
    /// The running evaluation, and the number of images of earlier evaluations.
    evaluation: Mutex<(Option<Arc<evaluation::Job>>, usize)>,
}

impl Job {
    pub(super) fn new(record: PromotionRecord) -> Self {
        Self {
            model: record.model.clone(),
            state: JobState::new(record),
            evaluation: Mutex::default(),
        }
    }

    /// Name of the model, not an alias.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Sets the running evaluation, which determines the progress; `None` if no evaluation is running.
    pub(super) fn set_evaluation(&self, next: Option<Arc<evaluation::Job>>) {
        let mut evaluation = lock(&self.evaluation);
        let (running, before) = &mut *evaluation;
        *before += running.take().map_or(0, |job| job.progress().images.done);
        *running = next;
    }
}

impl jobs::Job for Job {
    type Record = PromotionRecord;
    type Cancellation = Canceller;

    fn state(&self) -> &JobState<PromotionRecord, Canceller> {
        &self.state
    }

    fn record(&self) -> PromotionRecord {
        let record = self.state.record().clone();
        if record.status.is_final() {
            return record;
        }
        let evaluation = lock(&self.evaluation);
        let (running, before) = &*evaluation;
        let done = before + running.as_ref().map_or(0, |job| job.progress().images.done);
        PromotionRecord { done, ..record }
    }
}

impl JobRecord for PromotionRecord {
    fn id(&self) -> JobId {
        self.id
    }

    fn is_final(&self) -> bool {
        self.status.is_final()
    }
}
