//! One evaluation in the background: its state, its progress, its cancel.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use mien_faces::dataset::Split;
use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Evaluation, Order, RunError};
use crate::models::registry::LiveModel;

/// Where an evaluation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = EvaluationStatus)]
pub enum Status {
    /// Waits for another evaluation to end.
    Queued,
    /// Images are going through the model.
    Running,
    /// The report is there.
    Succeeded,
    /// It ended without a report; `error` tells why.
    Failed,
    /// A client, or the end of the server, ended it.
    Cancelled,
}

impl Status {
    /// Whether nothing will change any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// What the API tells about an evaluation.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Evaluation)]
pub struct Document {
    /// Its name in `/v1/evaluations/{id}`.
    pub id: String,
    /// Where it stands.
    pub status: Status,
    /// The model that is evaluated.
    pub model: String,
    /// The model's version.
    pub version: String,
    /// The data set, as `--data` names it.
    pub dataset: String,
    /// Which images of it.
    #[schema(value_type = String, example = "test")]
    pub split: Split,
    /// The most images to take, where that was asked for.
    pub limit: Option<usize>,
    /// How far it is.
    pub images: ImageCount,
    /// The result of an evaluation that succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Arc<Evaluation>>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Progress.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct ImageCount {
    /// Images that are through.
    pub done: usize,
    /// All images of the evaluation.
    pub total: usize,
}

/// An evaluation that was ordered.
pub struct Job {
    id: String,
    // Not the model itself: a job that is remembered must not keep an unloaded model alive.
    model: String,
    version: String,
    order: Order,
    total: usize,
    done: AtomicUsize,
    state: watch::Sender<State>,
}

/// Changes until the status is final.
#[derive(Clone)]
struct State {
    status: Status,
    report: Option<Arc<Evaluation>>,
    error: Option<String>,
}

impl Job {
    pub(super) fn new(model: &LiveModel, order: Order, total: usize) -> Self {
        let state = State { status: Status::Queued, report: None, error: None };
        Self {
            id: Uuid::new_v4().to_string(),
            model: model.name.clone(),
            version: model.version.to_string(),
            order,
            total,
            done: AtomicUsize::new(0),
            state: watch::Sender::new(state),
        }
    }

    /// The job's name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where it stands.
    pub fn status(&self) -> Status {
        self.state.borrow().status
    }

    /// What the API tells about it now.
    pub fn document(&self) -> Document {
        let State { status, report, error } = self.state.borrow().clone();
        Document {
            id: self.id.clone(),
            status,
            model: self.model.clone(),
            version: self.version.clone(),
            dataset: self.order.dataset.clone(),
            split: self.order.split,
            limit: self.order.limit.map(usize::from),
            images: ImageCount { done: self.done.load(Ordering::Relaxed), total: self.total },
            report,
            error,
        }
    }

    pub(super) fn progress(&self, images: usize) {
        self.done.fetch_add(images, Ordering::Relaxed);
    }

    pub(super) fn start(&self) {
        self.change(|state| state.status = Status::Running);
    }

    pub(super) fn cancel(&self) {
        self.change(|state| state.status = Status::Cancelled);
    }

    pub(super) fn finish(&self, result: Result<Evaluation, RunError>) {
        self.change(|state| match result {
            Ok(report) => {
                state.status = Status::Succeeded;
                state.report = Some(Arc::new(report));
            }
            Err(error) => {
                state.status = Status::Failed;
                state.error = Some(error.to_string());
            }
        });
    }

    /// Waits until the status is final.
    pub async fn finished(&self) {
        // The sender lives as long as `self`, so this only ends by the condition.
        let _ = self.state.subscribe().wait_for(|state| state.status.is_final()).await;
    }

    /// A final state stays as it is.
    fn change(&self, change: impl FnOnce(&mut State)) {
        self.state.send_if_modified(|state| {
            let may_change = !state.status.is_final();
            if may_change {
                change(state);
            }
            may_change
        });
    }
}
