//! The shadows of all models: at most one running shadow per model, and the last ended shadow.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use mien_host::sync::lock;

use super::{error::StartError, progress::Shadow, report::ShadowStatus, spec::ShadowSpec};
use crate::{
    metrics::Metrics,
    models::{
        LifecycleError, PromoteError,
        registry::{Registry, VersionState},
    },
};

/// The shadows of all models, with the registry and the metrics that they use.
pub(super) struct ShadowList {
    pub(super) registry: Arc<Registry>,
    pub(super) metrics: Arc<Metrics>,
    shadows: Mutex<Shadows>,
}

/// The shadows by the names of their models.
#[derive(Default)]
struct Shadows {
    running: BTreeMap<String, Arc<Shadow>>,
    /// The last shadow of each model that has ended or could not be started at the start of the server.
    ended: BTreeMap<String, Arc<Shadow>>,
    is_closed: bool,
}

impl ShadowList {
    pub(super) fn new(registry: Arc<Registry>, metrics: Arc<Metrics>) -> Self {
        Self {
            registry,
            metrics,
            shadows: Mutex::default(),
        }
    }

    /// Returns the running and the last ended shadow of a model.
    pub(super) fn all(&self, model: &str) -> [Option<Arc<Shadow>>; 2] {
        let name = self.real_name(model);
        let shadows = lock(&self.shadows);
        [shadows.running.get(&name), shadows.ended.get(&name)].map(Option::<&Arc<Shadow>>::cloned)
    }

    /// Returns the running shadow of a model, otherwise the last one.
    pub(super) fn find(&self, model: &str) -> Option<Arc<Shadow>> {
        self.all(model).into_iter().flatten().next()
    }

    fn real_name(&self, name: &str) -> String {
        let model = self.registry.model(name);
        model.map_or_else(|| name.to_owned(), |model| model.name)
    }

    /// Checks a request and adds its shadow to the running ones.
    pub(super) fn register(
        &self,
        spec: &ShadowSpec,
        share: f64,
    ) -> Result<Arc<Shadow>, StartError> {
        let unknown = |name: &str| LifecycleError::UnknownModel(name.to_owned());
        let model = self.registry.model(&spec.model);
        let model = model.ok_or_else(|| unknown(&spec.model))?;
        let name = model.name;
        let serving = model
            .serving
            .ok_or_else(|| PromoteError::NotServing(name.clone()))?;
        if let Some(version) = spec.version.filter(|version| *version != serving) {
            return Err(StartError::OtherServes {
                model: name,
                version,
                serving,
            });
        }
        let candidate = match &spec.candidate.model {
            None => name.clone(),
            Some(other) => {
                let model = self.registry.model(other);
                model.ok_or_else(|| unknown(other))?.name
            }
        };
        let version = spec.candidate.version;
        if candidate == name && version == serving {
            let model = name;
            return Err(PromoteError::AlreadyServing { model, version }.into());
        }
        let shadow = Shadow::new(name.clone(), serving, (candidate, version), share);
        let shadow = Arc::new(shadow);
        let mut shadows = lock(&self.shadows);
        if shadows.is_closed {
            return Err(StartError::ShuttingDown);
        }
        if shadows.running.contains_key(&name) {
            return Err(StartError::InProgress(name));
        }
        shadows.running.insert(name, Arc::clone(&shadow));
        Ok(shadow)
    }

    /// Removes a shadow from the running shadows. It becomes the last shadow of its model if its candidate was loaded.
    pub(super) fn retire(&self, shadow: &Arc<Shadow>) {
        if shadow.is_running() {
            shadow.end(ShadowStatus::Failed, StartError::Crashed.to_string());
        }
        let mut shadows = lock(&self.shadows);
        shadows.running.remove(&shadow.model);
        if shadow.is_loaded() {
            shadows
                .ended
                .insert(shadow.model.clone(), Arc::clone(shadow));
        }
        drop(shadows);
        shadow.notify_end();
    }

    /// Returns the running shadows.
    pub(super) fn running(&self) -> Vec<Arc<Shadow>> {
        lock(&self.shadows).running.values().cloned().collect()
    }

    /// Rejects further shadows and returns the running ones.
    pub(super) fn close(&self) -> Vec<Arc<Shadow>> {
        let mut shadows = lock(&self.shadows);
        shadows.is_closed = true;
        shadows.running.values().cloned().collect()
    }

    /// Waits until the first load of each version has ended.
    pub(super) async fn until_loaded(&self) {
        let mut changes = self.registry.subscribe();
        let is_loading = |state: &VersionState| matches!(state, VersionState::Loading);
        let models = || self.registry.models().into_iter();
        while models().any(|model| model.versions.values().any(is_loading)) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Logs the error of a shadow of `--shadow` that is not started. The shadow becomes the last shadow of its model.
    pub(super) fn report_failure(&self, spec: &ShadowSpec, share: f64, error: &StartError) {
        let (model, candidate) = (self.real_name(&spec.model), &spec.candidate);
        let Some(version) = spec.version else { return };
        tracing::error!(model, version = version.get(), %candidate, %error, "cannot start a shadow");
        let other = candidate.model.as_ref().map(|name| self.real_name(name));
        let name = (other.unwrap_or_else(|| model.clone()), candidate.version);
        let shadow = Shadow::new(model.clone(), version, name, share);
        shadow.end(ShadowStatus::Failed, error.to_string());
        shadow.notify_end();
        lock(&self.shadows).ended.insert(model, Arc::new(shadow));
    }
}
