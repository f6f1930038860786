//! One shadow: its versions, its state and its results. The task of the shadow changes it, and requests read it.

use std::sync::{Arc, Mutex};

use mien_host::sync::lock;
use tokio::sync::{Notify, watch};

use super::{
    report::{ShadowImages, ShadowReport, ShadowStatus},
    tally::{Outcome, Tally},
};
use crate::{
    inference::{Labels, engine::Execution},
    metrics::ShadowMetrics,
    models::{ModelVersion, live::ServedFiles, mirror::Mirror, name::ModelName},
    timestamp::Timestamp,
};

/// A shadow.
pub(super) struct Shadow {
    /// Name of the model.
    pub(super) model: String,
    /// The serving version.
    pub(super) version: ModelVersion,
    /// Name of the candidate's model.
    pub(super) candidate_model: String,
    /// Version of the candidate.
    pub(super) candidate_version: ModelVersion,
    /// Share of the images that are copied.
    pub(super) share: f64,
    started: Timestamp,
    stop: Notify,
    /// Whether the shadow has ended and another one of the model can start.
    ended: watch::Sender<bool>,
    state: Mutex<State>,
}

struct State {
    status: ShadowStatus,
    /// Reason of the end, of the failure, or of a requested stop.
    reason: Option<String>,
    ended: Option<Timestamp>,
    loaded: Option<Loaded>,
    tally: Tally,
}

/// The state of a shadow after its candidate was loaded.
pub(super) struct Loaded {
    pub(super) serving: ServedFiles,
    pub(super) candidate: ServedFiles,
    /// Engine and precision of the candidate.
    pub(super) execution: Execution,
    /// The labels of the serving version.
    pub(super) labels: Labels,
    pub(super) mirror: Arc<Mirror>,
    pub(super) metrics: Arc<ShadowMetrics>,
}

/// The results of a shadow at one moment.
pub(super) struct Results {
    pub(super) serving: ServedFiles,
    pub(super) candidate: ServedFiles,
    pub(super) compared: u64,
    pub(super) agreement: Option<f64>,
}

impl Shadow {
    /// Creates a shadow whose candidate is not loaded yet.
    pub(super) fn new(
        model: String,
        version: ModelVersion,
        (candidate_model, candidate_version): (String, ModelVersion),
        share: f64,
    ) -> Self {
        Self {
            model,
            version,
            candidate_model,
            candidate_version,
            share,
            started: Timestamp::now(),
            stop: Notify::new(),
            ended: watch::Sender::new(false),
            state: Mutex::new(State {
                status: ShadowStatus::Loading,
                reason: None,
                ended: None,
                loaded: None,
                tally: Tally::default(),
            }),
        }
    }

    /// Returns name and version of the candidate.
    pub(super) fn candidate(&self) -> String {
        let (name, version) = (self.candidate_model.clone(), Some(self.candidate_version));
        ModelName { name, version }.to_string()
    }

    /// Records that images are copied from now on.
    pub(super) fn begin(&self, loaded: Loaded) {
        let mut state = lock(&self.state);
        state.status = ShadowStatus::Running;
        state.loaded = Some(loaded);
        drop(state);
        let Self { model, version, .. } = self;
        let (candidate, share) = (self.candidate(), self.share);
        tracing::info!(
            model,
            version = version.get(),
            candidate,
            share,
            "shadow started"
        );
    }

    /// Counts images, unless the shadow has ended.
    pub(super) fn record(&self, outcomes: Vec<Outcome>) {
        let mut state = lock(&self.state);
        let State {
            status: ShadowStatus::Running,
            loaded: Some(loaded),
            tally,
            ..
        } = &mut *state
        else {
            return;
        };
        for outcome in outcomes {
            loaded.metrics.count(tally.add(outcome));
        }
        if let Some(agreement) = tally.agreement() {
            loaded.metrics.set_agreement(agreement);
        }
    }

    /// Asks the task of the shadow to end it. The first reason is reported.
    pub(super) fn request_stop(&self, reason: &str) {
        let mut state = lock(&self.state);
        state.reason.get_or_insert_with(|| reason.to_owned());
        drop(state);
        self.stop.notify_one();
    }

    /// Waits for [`Self::request_stop`].
    pub(super) async fn stop_requested(&self) {
        self.stop.notified().await;
    }

    /// Records the end of the shadow and removes its series.
    pub(super) fn end(&self, status: ShadowStatus, reason: String) {
        let mut state = lock(&self.state);
        let State { loaded, tally, .. } = &mut *state;
        if let Some(loaded) = loaded {
            tally.dropped += loaded.mirror.dropped();
            loaded.metrics.remove();
        }
        state.status = status;
        state.ended = Some(Timestamp::now());
        state.reason.get_or_insert(reason);
    }

    /// Logs the end with the results.
    pub(super) fn log_end(&self) {
        let state = lock(&self.state);
        let Self { model, version, .. } = self;
        tracing::info!(
            model,
            version = version.get(),
            candidate = self.candidate(),
            images = state.tally.compared(),
            agreement = state.tally.agreement(),
            reason = state.reason,
            "shadow ended"
        );
    }

    /// Notifies the callers of [`Self::until_ended`].
    pub(super) fn notify_end(&self) {
        self.ended.send_replace(true);
    }

    /// Waits until the shadow has ended and another one of the model can start.
    pub(super) async fn until_ended(&self) {
        // The sender lives as long as the shadow.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    /// Returns whether images are copied.
    pub(super) fn is_running(&self) -> bool {
        lock(&self.state).status == ShadowStatus::Running
    }

    /// Returns whether the candidate was loaded, so that images were copied.
    pub(super) fn is_loaded(&self) -> bool {
        lock(&self.state).loaded.is_some()
    }

    /// Returns the results if the candidate was loaded.
    pub(super) fn results(&self) -> Option<Results> {
        let state = lock(&self.state);
        let loaded = state.loaded.as_ref()?;
        Some(Results {
            serving: loaded.serving.clone(),
            candidate: loaded.candidate.clone(),
            compared: state.tally.compared(),
            agreement: state.tally.agreement(),
        })
    }

    /// Returns the state for clients.
    pub(super) fn report(&self) -> ShadowReport {
        let state = lock(&self.state);
        let is_ended = state.ended.is_some();
        let mut report = ShadowReport {
            model: self.model.clone(),
            version: self.version,
            candidate: self.candidate(),
            candidate_sha256: None,
            engine: None,
            precision: None,
            share: self.share,
            status: state.status,
            reason: state.reason.clone().filter(|_| is_ended),
            started: self.started,
            ended: state.ended,
            images: ShadowImages::default(),
            agreement: None,
            interval: None,
            confidence_difference: None,
            flips: Vec::new(),
            serving_inference: None,
            candidate_inference: None,
        };
        if let Some(loaded) = &state.loaded {
            let queue = if is_ended { 0 } else { loaded.mirror.dropped() };
            report.set_candidate(&loaded.candidate.sha256, loaded.execution);
            report.set_results(&state.tally, queue, loaded.labels.names());
        }
        report
    }
}
