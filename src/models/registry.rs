//! Resolves requests to models, and changes which models are loaded.

mod candidates;

use std::sync::Arc;

use tokio::sync::watch;

use super::{
    ModelVersion,
    lifecycle::{
        Lifecycle, LifecycleError, LifecycleOptions, PersistPin, PromoteError, RegistryError,
        StartupReceiver,
    },
    load::ModelLoader,
    repository::{IgnoredPath, is_version},
    snapshot::SharedSnapshot,
};
pub use super::{
    live::{LiveModel, VersionState, Versions},
    snapshot::{ModelView, ResolveError},
};
use crate::{batching::RetiredWorkers, inference::runtime::Watchdog, tuning::Tunable};

/// The models of the server.
pub struct Registry {
    snapshot: Arc<SharedSnapshot>,
    lifecycle: Lifecycle,
    /// Worker threads of retired versions.
    retired_workers: RetiredWorkers,
    /// Ends inference calls; `None` without models.
    watchdog: Option<Watchdog>,
}

impl Registry {
    /// Lists the models directory and starts to load the models on a thread of their own. The receiver gets a message when
    /// the default model is loaded, or when no model can be served.
    ///
    /// # Errors
    /// Returns an error if the directory cannot be read or is incompatible with the options.
    pub fn start(
        options: LifecycleOptions,
        loader: ModelLoader,
    ) -> Result<(Self, StartupReceiver), RegistryError> {
        let retired_workers = loader.retired_workers.clone();
        let watchdog = Some(loader.runtime.watchdog().clone());
        let (snapshot, lifecycle, started) = Lifecycle::start(options, loader)?;
        let registry = Self {
            snapshot,
            lifecycle,
            retired_workers,
            watchdog,
        };
        Ok((registry, started))
    }

    /// Returns a registry without models, which rejects changes.
    #[cfg(test)]
    pub(crate) fn empty() -> Self {
        Self {
            snapshot: Arc::default(),
            lifecycle: Lifecycle::stopped(),
            retired_workers: RetiredWorkers::default(),
            watchdog: None,
        }
    }

    /// Returns the model that a request refers to. Without a name it is the default model. An alias is replaced by its
    /// target. Without a version it is the pinned version, otherwise the highest one that serves. The returned version can be
    /// used even if the model is reloaded or unloaded.
    ///
    /// # Errors
    /// Returns an error if the model or version is unknown, not loaded, not loaded yet or out of service.
    pub fn resolve(
        &self,
        name: Option<&str>,
        version: Option<&str>,
    ) -> Result<Arc<LiveModel>, ResolveError> {
        let model = self.snapshot.load().resolve(name, version)?;
        // The snapshot is replaced a little later, because the thread that does so may be loading another model.
        match model.batcher.suspension() {
            None => Ok(model),
            Some(reason) => Err(ResolveError::NotServing {
                model: format!("{}@{}", model.name, model.version),
                reason: reason.to_owned(),
            }),
        }
    }

    /// Returns a receiver that is notified when models or versions change.
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.snapshot.subscribe()
    }

    /// Returns a model by its name or alias.
    pub fn model(&self, name: &str) -> Option<ModelView> {
        self.snapshot.load().model(name)
    }

    /// Returns all models by name.
    pub fn models(&self) -> Vec<ModelView> {
        self.snapshot.load().models()
    }

    /// Returns files and directories of the models directory that look like models and are not loaded.
    pub fn ignored(&self) -> Arc<[IgnoredPath]> {
        Arc::clone(&self.snapshot.load().ignored)
    }

    /// Loads the versions of a model that the version policy selects, and reloads those that serve. Each replaces its
    /// predecessor after its warm-up. Returns when all are loaded. Changes are made one at a time, on a thread of their own,
    /// and continue if the future is dropped.
    ///
    /// # Errors
    /// Returns an error if the model is not on disk, if a version cannot be served, or if too many changes are waiting. The
    /// previous versions then continue to serve.
    pub async fn load_model(&self, name: &str) -> Result<ModelView, LifecycleError> {
        let name = name.to_owned();
        self.lifecycle
            .try_execute(move |thread| thread.load_model(&name))
            .await
    }

    /// Loads the models that have changed on disk, like a poll of the models directory. Returns when all are loaded.
    ///
    /// # Errors
    /// Returns an error if too many changes are waiting or the server is shutting down.
    pub async fn load_changed(&self) -> Result<(), LifecycleError> {
        self.lifecycle
            .try_execute(|thread| {
                thread.load_changed();
                Ok(())
            })
            .await
    }

    /// Unloads all versions of a model. Pending requests are completed. The model stays unloaded until [`Self::load_model`],
    /// even if its files change.
    ///
    /// # Errors
    /// Returns an error if the model is unknown or too many changes are waiting.
    pub async fn unload_model(&self, name: &str) -> Result<ModelView, LifecycleError> {
        let name = name.to_owned();
        self.lifecycle
            .try_execute(move |thread| thread.unload_model(&name))
            .await
    }

    /// Pins a model to its serving version, which then serves requests without a version even if newer versions are loaded,
    /// until a promotion moves the pin or it is removed. `persist` stores the pin.
    ///
    /// # Errors
    /// Returns an error if the model is unknown or not loaded, if the pin cannot be stored, or if too many changes are
    /// waiting.
    pub async fn pin(&self, name: &str, persist: PersistPin) -> Result<ModelView, PromoteError> {
        let name = name.to_owned();
        self.lifecycle
            .try_execute(move |thread| thread.pin_serving(&name, persist))
            .await
    }

    /// Removes the pin of a model. Its version policy then determines which versions are loaded, and the highest one serves.
    ///
    /// # Errors
    /// Returns an error if the model is unknown or being promoted, if the change cannot be stored, or if too many changes are
    /// waiting.
    pub async fn unpin(&self, name: &str, persist: PersistPin) -> Result<ModelView, PromoteError> {
        let name = name.to_owned();
        self.lifecycle
            .try_execute(move |thread| thread.unpin(&name, persist))
            .await
    }

    /// Returns whether the repository contains a version of a known model. Blocks on the disk.
    pub fn is_on_disk(&self, name: &str, version: ModelVersion) -> bool {
        let path = self.lifecycle.repository.version_path(name, version);
        self.model(name).is_some() && path.is_some_and(|path| is_version(&path))
    }

    /// Also tunes a model that is not in the models directory, once the models are loaded.
    pub fn tune(&self, model: Arc<dyn Tunable>) {
        self.lifecycle.tune(model);
    }

    /// Terminates all inference calls, so that [`Self::shut_down`] does not wait for them.
    pub fn terminate_inferences(&self) {
        if let Some(watchdog) = &self.watchdog {
            watchdog.terminate_all();
        }
    }

    /// Rejects further changes and images. Blocks until the current change has ended and all workers, including those of
    /// retired versions, have processed the queued images and closed their sessions.
    pub fn shut_down(&self) {
        // The result of a trial is not needed any more.
        if let Some(watchdog) = &self.watchdog {
            watchdog.terminate_trials();
        }
        self.lifecycle.shut_down();
        let snapshot = self.snapshot.load_full();
        snapshot.live().for_each(|model| model.batcher.close());
        snapshot.live().for_each(|model| model.batcher.join());
        self.retired_workers.join();
    }
}

impl Drop for Registry {
    /// The process must not exit while a thread runs ONNX Runtime, because the library frees its state at exit.
    fn drop(&mut self) {
        // No client waits for a result any more.
        self.terminate_inferences();
        self.shut_down();
    }
}
