//! Loads and retires versions and publishes their states.

mod loads;
mod reconfiguration;
mod retirement;
mod suspension;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

pub(super) use self::suspension::SuspensionHandler;
use crate::{
    inference::InferenceError,
    metrics::ModelInfo,
    models::{
        ModelVersion,
        live::{LiveModel, Phase, VersionState, Versions},
        load::ModelLoader,
        repository::{Fingerprint, VersionDir},
        snapshot::{SharedSnapshot, Snapshot},
    },
};

/// The versions of all models. Only this type replaces the snapshot.
pub(super) struct VersionManager {
    loader: ModelLoader,
    snapshot: Arc<SharedSnapshot>,
    /// The files of the last attempt to load each version, whether it succeeded or not.
    attempted: BTreeMap<(String, ModelVersion), Fingerprint>,
    /// Begin of the time without activity: the last attempt to load a version for a client or at startup, or the last change of
    /// a configuration under live traffic.
    idle_since: Instant,
    suspended: SuspensionHandler,
}

impl VersionManager {
    pub(super) fn new(
        loader: ModelLoader,
        snapshot: Arc<SharedSnapshot>,
        suspended: SuspensionHandler,
    ) -> Self {
        Self {
            loader,
            snapshot,
            attempted: BTreeMap::new(),
            idle_since: Instant::now(),
            suspended,
        }
    }

    pub(super) fn loader(&self) -> &ModelLoader {
        &self.loader
    }

    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Returns the time since versions were loaded. Does not consider requests.
    pub(super) fn idle_time(&self) -> Duration {
        self.idle_since.elapsed()
    }

    pub(super) fn restart_idle_time(&mut self) {
        self.idle_since = Instant::now();
    }

    /// Replaces the snapshot by a changed one.
    pub(super) fn update(&self, change: impl FnOnce(&mut Snapshot)) {
        let mut next = Snapshot::clone(&self.snapshot.load());
        change(&mut next);
        self.snapshot.store(Arc::new(next));
    }

    /// Returns a version that serves.
    pub(super) fn live(&self, name: &str, version: ModelVersion) -> Option<Arc<LiveModel>> {
        let snapshot = self.snapshot.load();
        snapshot.models.get(name)?.get(&version)?.live().cloned()
    }

    /// Returns whether the last attempt to load a version used the files that are on disk now.
    pub(super) fn is_up_to_date(
        &mut self,
        name: &str,
        version: ModelVersion,
        dir: &VersionDir,
    ) -> bool {
        let snapshot = self.snapshot.load();
        let state = snapshot
            .models
            .get(name)
            .and_then(|versions| versions.get(&version));
        let Some(state) = state else { return false };
        match state.phase() {
            Phase::Loading | Phase::Unloading | Phase::Unloaded => return false,
            Phase::Ready | Phase::Failed => {}
        }
        let key = (name.to_owned(), version);
        if self.attempted.get(&key) == Some(&dir.fingerprint) {
            return true;
        }
        let is_same = state
            .live()
            .is_some_and(|model| model.has_content_of(dir) == Ok(true));
        if is_same {
            self.attempted.insert(key, dir.fingerprint.clone());
        }
        is_same
    }

    /// Loads a version. It then replaces the version that serves under this number.
    pub(super) fn load(
        &mut self,
        name: &str,
        version: ModelVersion,
        dir: &VersionDir,
    ) -> Result<(), InferenceError> {
        self.update(|next| {
            let states = next.models.entry(name.to_owned()).or_default();
            let state = states.entry(version).or_insert(VersionState::Loading);
            if state.live().is_none() {
                *state = VersionState::Loading;
            }
        });
        let loaded = self.record_load(name, |loader| loader.load(name, version, dir));
        self.attempted
            .insert((name.to_owned(), version), dir.fingerprint.clone());
        match loaded {
            Ok(model) => {
                self.mark_ready(Arc::new(model));
                Ok(())
            }
            Err(error) => {
                self.mark_failed(name, version, &error);
                Err(error)
            }
        }
    }

    fn mark_ready(&self, model: Arc<LiveModel>) {
        let (name, version) = (model.name.clone(), model.version);
        self.watch(&model);
        let options = model.batcher.options();
        tracing::info!(
            model = name,
            version = version.get(),
            architecture = model.architecture(),
            input = model.signature.layout().join("x"),
            instances = options.instances,
            intra_op_threads = options.intra_op_threads,
            max_batch = options.max_batch,
            accuracy = model.manifest.test_accuracy(),
            "model loaded"
        );
        let metrics = &self.loader.metrics;
        if let Some(old) = self.live(&name, version) {
            with_info(&old, |info| metrics.record_model_unloaded(info));
        }
        with_info(&model, |info| metrics.record_model_loaded(info));
        self.update(|next| {
            let ready = VersionState::Ready {
                model,
                problem: None,
            };
            next.models.entry(name).or_default().insert(version, ready);
        });
    }

    fn mark_failed(&self, name: &str, version: ModelVersion, error: &InferenceError) {
        if self.loader.runtime.is_stopping() {
            tracing::info!(model = name, version = version.get(), %error, "loading cancelled");
        } else {
            let is_live = self.live(name, version).is_some();
            tracing::error!(
                model = name,
                version = version.get(),
                %error,
                previous_continues = is_live,
                "cannot load model"
            );
            if !is_live {
                let metrics = &self.loader.metrics;
                metrics.record_model_failed(name, &version.to_string());
            }
        }
        self.update(|next| {
            let state = next
                .models
                .get_mut(name)
                .and_then(|states| states.get_mut(&version));
            let reason = error.to_string();
            match state {
                Some(VersionState::Ready { problem, .. }) => *problem = Some(reason),
                Some(state) => *state = VersionState::Failed(reason),
                None => {}
            }
        });
    }

    /// Returns the states of a model's versions.
    pub(super) fn states(&self, name: &str) -> Versions {
        let snapshot = self.snapshot.load();
        snapshot.models.get(name).cloned().unwrap_or_default()
    }

    fn record_unloaded(&self, model: &LiveModel) {
        let LiveModel { name, version, .. } = model;
        tracing::info!(model = name, version = version.get(), "model unloaded");
        with_info(model, |info| {
            self.loader.metrics.record_model_unloaded(info)
        });
        if let Some(drift) = &self.loader.drift {
            drift.remove(name, *version);
        }
    }
}

/// Calls `record` with the labels of a loaded version.
fn with_info(model: &LiveModel, record: impl FnOnce(ModelInfo<'_>)) {
    record(ModelInfo {
        model: &model.name,
        version: &model.version.to_string(),
        architecture: model.architecture(),
        sha256: &model.sha256,
        engine: model.execution.engine.name(),
        precision: model.execution.precision.name(),
    });
}
