//! Candidates of promotions: versions that are loaded next to the serving one until it is decided which of them serves.

use std::sync::Arc;

use super::{LifecycleThread, load_error, pin::PersistPin};
use crate::models::{
    ModelVersion,
    lifecycle::{LifecycleError, PromoteError, reconcile::Failure},
    live::LiveModel,
    repository::VersionDir,
};

/// The serving version of a model and its candidate.
pub struct StagedCandidate {
    /// Serves requests without a version.
    pub serving: Arc<LiveModel>,
    /// Serves only requests for its version.
    pub candidate: Arc<LiveModel>,
}

impl LifecycleThread {
    /// Pins a model to its serving version and loads another version as its candidate. Because of the pin, the candidate
    /// cannot become the serving version without a promotion.
    pub(in crate::models) fn load_candidate(
        &mut self,
        name: &str,
        version: ModelVersion,
        persist: PersistPin,
    ) -> Result<StagedCandidate, PromoteError> {
        let serving = self.serving(name)?;
        if serving.version == version {
            return Err(PromoteError::AlreadyServing {
                model: name.to_owned(),
                version,
            });
        }
        if self.candidates.contains_key(name) {
            return Err(PromoteError::InProgress(name.to_owned()));
        }
        let mut dirs = self.version_dirs(name)?;
        let unknown = || PromoteError::UnknownVersion {
            model: name.to_owned(),
            version,
        };
        let dir = dirs.remove(&version).ok_or_else(unknown)?;
        self.set_pin(name, Some(serving.version), persist)?;
        self.candidates.insert(name.to_owned(), version);
        match self.load_if_changed(name, version, &dir) {
            Ok(candidate) => Ok(StagedCandidate { serving, candidate }),
            Err(error) => {
                self.candidates.remove(name);
                Err(error)
            }
        }
    }

    /// Returns a version in the state of its files, and loads it first if necessary.
    fn load_if_changed(
        &mut self,
        name: &str,
        version: ModelVersion,
        dir: &VersionDir,
    ) -> Result<Arc<LiveModel>, PromoteError> {
        let is_live = self.versions.live(name, version).is_some();
        if !is_live || !self.versions.is_up_to_date(name, version, dir) {
            let loaded = self.versions.load(name, version, dir);
            loaded.map_err(|error| -> LifecycleError {
                match self.view(name) {
                    Ok(view) => load_error(&view, Failure { version, error }),
                    Err(error) => error,
                }
            })?;
        }
        let changed = || PromoteError::Changed {
            model: name.to_owned(),
            version,
        };
        // The candidate must be evaluated with the engine that will serve it.
        self.select_requested_engines();
        self.versions.live(name, version).ok_or_else(changed)
    }

    /// Switches the traffic of a model to its candidate in one change, unless the candidate or the baseline was replaced
    /// after the evaluation. Then retires the versions that are not selected any more.
    pub(in crate::models) fn promote_candidate(
        &mut self,
        candidate: &LiveModel,
        baseline: Option<&LiveModel>,
        persist: PersistPin,
    ) -> Result<(), PromoteError> {
        let (name, version) = (candidate.name.as_str(), candidate.version);
        for evaluated in [Some(candidate), baseline].into_iter().flatten() {
            let current = self.versions.live(name, evaluated.version);
            if !current.is_some_and(|current| current.predicts_like(evaluated)) {
                return Err(PromoteError::Changed {
                    model: name.to_owned(),
                    version: evaluated.version,
                });
            }
        }
        self.set_pin(name, Some(version), persist)?;
        self.candidates.remove(name);
        self.retire_unselected(name);
        Ok(())
    }

    /// Retires the candidate of a model, unless the version policy selects it.
    pub(in crate::models) fn discard_candidate(&mut self, name: &str) {
        if self.candidates.remove(name).is_some() {
            self.retire_unselected(name);
        }
    }
}
