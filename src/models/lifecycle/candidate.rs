//! A version beside the one that serves, until it is decided which of them takes the traffic.

use std::sync::Arc;

use super::{
    ChangeError,
    pin::PersistPin,
    reconcile::Failure,
    thread::{LifecycleThread, failed},
};
use crate::models::{live::LiveModel, repository::Found};

/// The version that serves, and the one beside it.
pub struct StagedCandidate {
    /// Answers requests that name no version.
    pub serving: Arc<LiveModel>,
    /// Answers only those that name it.
    pub candidate: Arc<LiveModel>,
}

/// Why a version does not come beside another one, or take its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromoteError {
    /// The models could not be changed.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// It is not in the models folder.
    #[error("model `{model}` has no version `{version}` in the models folder")]
    UnknownVersion {
        /// The model.
        model: String,
        /// The version.
        version: u64,
    },
    /// Nothing serves that it could stand beside.
    #[error("no version of model `{0}` serves; load it first")]
    NotServing(String),
    /// It serves already.
    #[error("version {version} of model `{model}` serves already")]
    AlreadyServing {
        /// The model.
        model: String,
        /// The version.
        version: u64,
    },
    /// What was judged is no longer what would serve.
    #[error("version {version} of model `{model}` was unloaded or replaced meanwhile")]
    Changed {
        /// The model.
        model: String,
        /// The version.
        version: u64,
    },
    /// Another version stands beside it.
    #[error("a promotion of model `{0}` is under way; cancel it, or wait for its end")]
    InProgress(String),
}

impl LifecycleThread {
    /// Loads a version of a model beside the one that serves, to which the model is pinned first: whatever happens from
    /// here on, the new one does not take the traffic by itself.
    pub(in crate::models) fn load_candidate(
        &mut self,
        name: &str,
        version: u64,
        commit: PersistPin,
    ) -> Result<StagedCandidate, PromoteError> {
        let serving = self.serving(name)?;
        if serving.version == version {
            return Err(PromoteError::AlreadyServing {
                model: name.to_owned(),
                version,
            });
        }
        if self.guests.contains_key(name) {
            return Err(PromoteError::InProgress(name.to_owned()));
        }
        let mut folders = self.folders(name)?;
        let unknown = || PromoteError::UnknownVersion {
            model: name.to_owned(),
            version,
        };
        let found = folders.remove(&version).ok_or_else(unknown)?;
        self.pin_to(name, Some(serving.version), commit)?;
        self.guests.insert(name.to_owned(), version);
        match self.candidate(name, version, &found) {
            Ok(candidate) => Ok(StagedCandidate { serving, candidate }),
            Err(error) => {
                self.guests.remove(name);
                Err(error)
            }
        }
    }

    /// The version as its files are now.
    fn candidate(
        &mut self,
        name: &str,
        version: u64,
        found: &Found,
    ) -> Result<Arc<LiveModel>, PromoteError> {
        let is_there = self.live(name, version).is_some();
        if !is_there || !self.is_up_to_date(name, version, found) {
            let loaded = self.load_version(name, version, found);
            loaded.map_err(|error| -> PromoteError {
                match self.view(name) {
                    Ok(view) => failed(&view, Failure { version, error }).into(),
                    Err(error) => error.into(),
                }
            })?;
        }
        let changed = || PromoteError::Changed {
            model: name.to_owned(),
            version,
        };
        self.live(name, version).ok_or_else(changed)
    }

    /// Gives the traffic of a model to the version that stands beside, unless one of those that were judged is another
    /// one now. What serves is swapped at once; then what is no longer wanted is taken out of service.
    pub(in crate::models) fn promote_candidate(
        &mut self,
        candidate: &LiveModel,
        baseline: Option<&LiveModel>,
        commit: PersistPin,
    ) -> Result<(), PromoteError> {
        let (name, version) = (candidate.name.as_str(), candidate.version);
        for judged in [Some(candidate), baseline].into_iter().flatten() {
            let now = self.live(name, judged.version);
            if !now.is_some_and(|now| now.answers_as(judged)) {
                let version = judged.version;
                return Err(PromoteError::Changed {
                    model: name.to_owned(),
                    version,
                });
            }
        }
        self.pin_to(name, Some(version), commit)?;
        self.guests.remove(name);
        self.retire_unwanted(name);
        Ok(())
    }

    /// Takes the version that stands beside out of service, unless something else wants it.
    pub(in crate::models) fn discard_candidate(&mut self, name: &str) {
        if self.guests.remove(name).is_some() {
            self.retire_unwanted(name);
        }
    }
}
