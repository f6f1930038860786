//! Resolves the model and version of a request.

use std::sync::Arc;

use super::Snapshot;
use crate::{
    excerpt::Excerpt,
    models::{
        ModelVersion,
        live::{LiveModel, Phase, VersionState, Versions},
    },
};

/// Why a request cannot be sent to a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// No model has this name.
    #[error("there is no model `{}`", Excerpt(.0))]
    UnknownModel(String),
    /// The alias refers to an unknown model.
    #[error("alias `{alias}` refers to `{target}`, and there is no model of this name")]
    UnknownTarget {
        /// The alias.
        alias: String,
        /// Its target.
        target: String,
    },
    /// The model does not have this version.
    #[error("model `{model}` has no version `{}`", Excerpt(version))]
    UnknownVersion {
        /// The model.
        model: String,
        /// The requested version.
        version: String,
    },
    /// The alias refers to another version than the requested one.
    #[error("alias `{alias}` refers to `{target}`, not to version `{version}`")]
    OtherVersion {
        /// The alias.
        alias: String,
        /// Its target.
        target: String,
        /// The requested version.
        version: String,
    },
    /// The model or version is not loaded.
    #[error("`{model}` does not serve: {reason}")]
    NotServing {
        /// The requested model, with the version if one was requested.
        model: String,
        /// The reason.
        reason: String,
    },
    /// The model is being loaded; `None` is the default model.
    #[error("{} is being loaded; try again in a second", .0.as_ref().map_or_else(|| "the default model".to_owned(), |name| format!("`{name}`")))]
    Loading(Option<String>),
}

impl ResolveError {
    /// Returns whether the request can be retried when the model is loaded.
    pub fn is_loading(&self) -> bool {
        matches!(self, Self::Loading(_))
    }
}

impl Snapshot {
    /// Returns the model that a request refers to. See [`Registry::resolve`](crate::models::registry::Registry::resolve).
    pub(in crate::models) fn resolve(
        &self,
        name: Option<&str>,
        version: Option<&str>,
    ) -> Result<Arc<LiveModel>, ResolveError> {
        let default = || self.default.as_ref().ok_or(ResolveError::Loading(None));
        let (requested, default_version) = match name {
            Some(name) => (name, None),
            None => default().map(|default| (default.name.as_str(), default.version))?,
        };
        let alias = self.aliases.get(requested);
        let model = alias.map_or(requested, |target| target.name.as_str());
        let Some(versions) = self.models.get(model) else {
            return Err(match alias {
                None => ResolveError::UnknownModel(model.to_owned()),
                Some(target) => {
                    let (alias, target) = (requested.to_owned(), target.to_string());
                    ResolveError::UnknownTarget { alias, target }
                }
            });
        };
        let unknown = |version: &str| {
            let (model, version) = (model.to_owned(), version.to_owned());
            ResolveError::UnknownVersion { model, version }
        };
        let number = match version {
            Some(text) => Some(text.parse().map_err(|_| unknown(text))?),
            None => default_version,
        };
        let number = match (alias.and_then(|target| target.version), number) {
            (Some(pinned), Some(number)) if pinned != number => {
                let (alias, target) = (requested.to_owned(), format!("{model}@{pinned}"));
                return Err(ResolveError::OtherVersion {
                    alias,
                    target,
                    version: number.to_string(),
                });
            }
            (pinned, number) => pinned.or(number),
        };
        let Some(number) = number else {
            let serving = self.serving(model).cloned();
            return serving.ok_or_else(|| none_serves(requested, versions));
        };
        match versions.get(&number).map(|state| (state, state.live())) {
            Some((_, Some(model))) => Ok(Arc::clone(model)),
            Some((state, None)) => Err(not_serving(requested, Some(number), state)),
            None => Err(unknown(&number.to_string())),
        }
    }
}

fn not_serving(
    requested: &str,
    version: Option<ModelVersion>,
    state: &VersionState,
) -> ResolveError {
    let model = match version {
        Some(version) => format!("{requested}@{version}"),
        None => requested.to_owned(),
    };
    let reason = match state.phase() {
        Phase::Loading | Phase::Ready => return ResolveError::Loading(Some(model)),
        Phase::Failed => state.problem().unwrap_or_default().to_owned(),
        Phase::Unloading | Phase::Unloaded => "it is unloaded".to_owned(),
    };
    ResolveError::NotServing { model, reason }
}

/// Returns why no version of a model serves: one is being loaded, otherwise the highest failed version has a reason,
/// otherwise the model is unloaded.
fn none_serves(requested: &str, versions: &Versions) -> ResolveError {
    let in_phase = |phase| versions.values().rev().find(|state| state.phase() == phase);
    let state = in_phase(Phase::Loading).or_else(|| in_phase(Phase::Failed));
    not_serving(requested, None, state.unwrap_or(&VersionState::Unloaded))
}
