//! Which model a request means. Readers take a snapshot without a lock; a change swaps it whole.

mod snapshot;

use std::sync::Arc;

use arc_swap::ArcSwap;

pub(super) use self::snapshot::Snapshot;
pub use self::snapshot::{ModelView, ResolveError};
pub use super::live::{LiveModel, VersionState, Versions};
use super::{
    lifecycle::{ChangeError, Lifecycle, LifecycleOptions, RegistryError, Started},
    load::ModelLoader,
};

/// The models of the server.
pub struct Registry {
    current: Arc<Current>,
    lifecycle: Lifecycle,
}

/// What the registry's readers and the thread that changes it share.
pub(super) type Current = ArcSwap<Snapshot>;

impl Registry {
    /// Lists the models folder and starts to load it, on a thread of its own. [`Started`] tells when the default
    /// model serves, or why there is nothing to serve.
    ///
    /// # Errors
    /// When the folder cannot be read, or what it holds contradicts the options.
    pub fn start(
        options: LifecycleOptions,
        loader: ModelLoader,
    ) -> Result<(Self, Started), RegistryError> {
        let (current, lifecycle, started) = Lifecycle::start(options, loader)?;
        Ok((Self { current, lifecycle }, started))
    }

    /// A registry without a model, that takes no orders.
    #[cfg(test)]
    pub(crate) fn empty() -> Self {
        Self { current: Arc::default(), lifecycle: Lifecycle::stopped() }
    }

    /// The model that a request means: the default where it names none, an alias' target, the highest version
    /// that serves where it names no version. Whoever holds the answer gets answers from it, even when the model is
    /// reloaded or unloaded meanwhile.
    ///
    /// # Errors
    /// When there is no such model or version, or it does not serve, or not yet.
    pub fn resolve(
        &self,
        name: Option<&str>,
        version: Option<&str>,
    ) -> Result<Arc<LiveModel>, ResolveError> {
        self.current.load().resolve(name, version)
    }

    /// One model, by its name or an alias.
    pub fn model(&self, name: &str) -> Option<ModelView> {
        self.current.load().model(name)
    }

    /// Every model, by name.
    pub fn models(&self) -> Vec<ModelView> {
        self.current.load().models()
    }

    /// Loads a model's versions as the version policy wants them, from what is on disk now; those that serve are
    /// opened anew. Each takes the old one's place once it has been tried. Returns when that is done, however long
    /// it takes; changes are made one at a time, on a thread of their own, and go on when the future is dropped.
    ///
    /// # Errors
    /// When a version cannot be served: what served before goes on. When there is no such model on disk, or too
    /// many changes wait.
    pub async fn load_model(&self, name: &str) -> Result<ModelView, ChangeError> {
        self.lifecycle.load(name).await
    }

    /// Takes a model out of service, all its versions. Requests that have found it are answered. It stays out,
    /// whatever happens on disk, until [`Self::load_model`].
    ///
    /// # Errors
    /// When there is no such model, or too many changes wait.
    pub async fn unload_model(&self, name: &str) -> Result<ModelView, ChangeError> {
        self.lifecycle.unload(name).await
    }

    /// Takes no more changes and no more images; blocks until the change that is under way has ended and the
    /// workers have answered what was queued.
    pub fn shut_down(&self) {
        self.lifecycle.shut_down();
        let snapshot = self.current.load_full();
        snapshot.live().for_each(|model| model.batcher.close());
        snapshot.live().for_each(|model| model.batcher.join());
    }
}
