//! Candidates of promotions and shadows.

use std::sync::Arc;

use super::{LiveModel, Registry};
use crate::models::{ModelVersion, PersistPin, PromoteError, ShadowCandidate, StagedCandidate};

impl Registry {
    /// Pins a model, given by its real name, to its serving version and loads another version as its candidate. The candidate
    /// stays loaded, even if the policy does not select it, until [`Self::promote_candidate`] or
    /// [`Self::discard_candidate`].
    ///
    /// # Errors
    /// Returns an error if the version is unknown, cannot be served or serves already, or if no version serves.
    pub async fn load_candidate(
        &self,
        name: &str,
        version: ModelVersion,
        persist: PersistPin,
    ) -> Result<StagedCandidate, PromoteError> {
        let name = name.to_owned();
        self.lifecycle
            .execute(move |thread| thread.load_candidate(&name, version, persist))
            .await
    }

    /// Switches the traffic of a model to its candidate in one change. Requests that have resolved the previous version are
    /// completed by it.
    ///
    /// # Errors
    /// Returns an error if the candidate or the baseline was replaced, or if the pin cannot be stored. Then nothing changes.
    pub async fn promote_candidate(
        &self,
        candidate: Arc<LiveModel>,
        baseline: Option<Arc<LiveModel>>,
        persist: PersistPin,
    ) -> Result<(), PromoteError> {
        self.lifecycle
            .execute(move |thread| {
                thread.promote_candidate(&candidate, baseline.as_deref(), persist)
            })
            .await
    }

    /// Unloads the candidate of a model, unless the version policy selects it.
    ///
    /// # Errors
    /// Returns an error if the server is shutting down.
    pub async fn discard_candidate(&self, name: &str) -> Result<(), PromoteError> {
        let name = name.to_owned();
        self.lifecycle
            .execute(move |thread| {
                thread.discard_candidate(&name);
                Ok(())
            })
            .await
    }

    /// Returns a version for a shadow, by the real name of its model. A version that does not serve is loaded for the caller alone. It is
    /// not part of the models that clients can use, and ends when the caller drops it.
    ///
    /// # Errors
    /// Returns an error if the version is unknown or cannot be served, or if too many changes are waiting.
    pub async fn load_for_shadow(
        &self,
        name: &str,
        version: ModelVersion,
    ) -> Result<ShadowCandidate, PromoteError> {
        let name = name.to_owned();
        self.lifecycle
            .try_execute(move |thread| thread.load_for_shadow(&name, version))
            .await
    }
}
