//! Which model a request means. Readers take a snapshot without a lock; a change swaps it whole.

mod error;
mod snapshot;

use std::sync::Arc;

use arc_swap::ArcSwap;

pub(super) use self::snapshot::Snapshot;
pub use self::{error::ResolveError, snapshot::ModelView};
pub use super::live::{LiveModel, VersionState, Versions};
use super::{
    lifecycle::{
        ChangeError, Lifecycle, LifecycleOptions, PersistPin, PromoteError, RegistryError,
        StagedCandidate, Started,
    },
    load::ModelLoader,
    repository::is_version,
};
use crate::batching::RetiredWorkers;

/// The models of the server.
pub struct Registry {
    current: Arc<Current>,
    lifecycle: Lifecycle,
    /// The workers of versions that were retired.
    leaving: RetiredWorkers,
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
        let leaving = loader.leaving.clone();
        let (current, lifecycle, started) = Lifecycle::start(options, loader)?;
        Ok((
            Self {
                current,
                lifecycle,
                leaving,
            },
            started,
        ))
    }

    /// A registry without a model, that takes no orders.
    #[cfg(test)]
    pub(crate) fn empty() -> Self {
        let (current, leaving) = (Arc::default(), RetiredWorkers::default());
        Self {
            current,
            lifecycle: Lifecycle::stopped(),
            leaving,
        }
    }

    /// The model that a request means: the default where it names none, an alias' target, and where it names no version
    /// the one that the model is pinned to, else the highest that serves. Whoever holds the answer gets answers from it,
    /// even when the model is reloaded or unloaded meanwhile.
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
        let name = name.to_owned();
        self.lifecycle
            .order(move |thread| thread.load_model(&name))
            .await
    }

    /// Takes a model out of service, all its versions. Requests that have found it are answered. It stays out,
    /// whatever happens on disk, until [`Self::load_model`].
    ///
    /// # Errors
    /// When there is no such model, or too many changes wait.
    pub async fn unload_model(&self, name: &str) -> Result<ModelView, ChangeError> {
        let name = name.to_owned();
        self.lifecycle
            .order(move |thread| thread.unload_model(&name))
            .await
    }

    /// Pins a model to the version that serves: requests that name none get that one, whatever is newer, until the pin
    /// is moved by a promotion or released. `commit` writes it down.
    ///
    /// # Errors
    /// When there is no such model, no version of it serves, it cannot be written down or too many changes wait.
    pub async fn pin(&self, name: &str, commit: PersistPin) -> Result<ModelView, PromoteError> {
        let name = name.to_owned();
        self.lifecycle
            .order(move |thread| Ok(thread.pin_serving(&name, commit)))
            .await?
    }

    /// Releases a model's pin: its version policy says from now on what is loaded, and the highest version serves.
    ///
    /// # Errors
    /// When there is no such model, it is being promoted, that cannot be written down or too many changes wait.
    pub async fn unpin(&self, name: &str, commit: PersistPin) -> Result<ModelView, PromoteError> {
        let name = name.to_owned();
        self.lifecycle
            .order(move |thread| Ok(thread.unpin(&name, commit)))
            .await?
    }

    /// Whether the models folder holds this version of a model now. Blocks for as long as the disk takes.
    pub fn is_on_disk(&self, name: &str, version: u64) -> bool {
        let folder = self.lifecycle.root.join(name).join(version.to_string());
        self.model(name).is_some() && is_version(&folder)
    }

    /// Loads a version of a model, named by its real name, beside the one that serves, and pins the model to that one
    /// before it does. The version stays, whatever the policy says, until [`Self::promote_candidate`] or [`Self::discard_candidate`].
    ///
    /// # Errors
    /// When the version is not there or cannot be served, it serves already, or nothing does.
    pub async fn load_candidate(
        &self,
        name: &str,
        version: u64,
        commit: PersistPin,
    ) -> Result<StagedCandidate, PromoteError> {
        let name = name.to_owned();
        self.lifecycle
            .step(move |thread| thread.load_candidate(&name, version, commit))
            .await
    }

    /// Gives a model's traffic to the version that stands beside, at one moment: requests that have found the old one are
    /// answered by it. The version that it was judged against, where there is one, must be as it was, and so must it be.
    ///
    /// # Errors
    /// When one of them is not, or it cannot be written down: nothing has changed then.
    pub async fn promote_candidate(
        &self,
        candidate: Arc<LiveModel>,
        baseline: Option<Arc<LiveModel>>,
        commit: PersistPin,
    ) -> Result<(), PromoteError> {
        self.lifecycle
            .step(move |thread| thread.promote_candidate(&candidate, baseline.as_deref(), commit))
            .await
    }

    /// Takes the version that stands beside out of service.
    ///
    /// # Errors
    /// When the server is on its way down.
    pub async fn discard_candidate(&self, name: &str) -> Result<(), PromoteError> {
        let name = name.to_owned();
        self.lifecycle
            .step(move |thread| {
                thread.discard_candidate(&name);
                Ok(())
            })
            .await
    }

    /// Takes no more changes and no more images; blocks until the change that is under way has ended and the
    /// workers, those of retired versions too, have answered what was queued and closed their sessions.
    pub fn shut_down(&self) {
        self.lifecycle.shut_down();
        let snapshot = self.current.load_full();
        snapshot.live().for_each(|model| model.batcher.close());
        snapshot.live().for_each(|model| model.batcher.join());
        self.leaving.join();
    }
}
