//! Which model a request means. Readers take a snapshot without a lock; a change swaps it whole.

mod load;

use std::{collections::BTreeMap, str::FromStr, sync::Arc};

use arc_swap::ArcSwap;

pub use self::load::{RegistryError, VersionPolicy};
use super::{manifest::Manifest, repository::parse_version};
use crate::{
    batching::Batcher,
    inference::{runtime::Device, signature::Signature},
    metrics::ModelMetrics,
    tuning::Tuning,
};

/// A version that serves.
pub struct LiveModel {
    /// The model's name, its folder's.
    pub name: String,
    /// The version, positive.
    pub version: u64,
    /// What the file says about itself.
    pub manifest: Manifest,
    /// How it is fed and read.
    pub signature: Signature,
    /// What it runs on.
    pub device: Device,
    /// Why it is served as it is.
    pub tuning: Tuning,
    /// SHA-256 of `model.onnx`, lower-case hex.
    pub sha256: String,
    /// The model's metrics.
    pub metrics: ModelMetrics,
    /// The door to its workers.
    pub batcher: Batcher,
}

/// What became of a version that was found on disk.
#[derive(Clone)]
pub enum VersionState {
    /// It serves.
    Ready(Arc<LiveModel>),
    /// It could not be loaded; the reason names no path.
    Refused(String),
}

impl VersionState {
    /// The model, where it serves.
    pub fn live(&self) -> Option<&Arc<LiveModel>> {
        match self {
            Self::Ready(model) => Some(model),
            Self::Refused(_) => None,
        }
    }
}

/// The versions of one model.
pub type Versions = BTreeMap<u64, VersionState>;

/// A model, and a version where one is pinned: `NAME[@VERSION]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelName {
    /// The model.
    pub name: String,
    /// The pinned version; `None` is the highest that serves.
    pub version: Option<u64>,
}

impl FromStr for ModelName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, version) = match text.split_once('@') {
            None => (text, None),
            Some((name, version)) => {
                let number = parse_version(version);
                (
                    name,
                    Some(
                        number
                            .ok_or("expected NAME or NAME@VERSION, VERSION a positive integer")?,
                    ),
                )
            }
        };
        if name.is_empty() {
            return Err("the model's name is empty".to_owned());
        }
        Ok(Self { name: name.to_owned(), version })
    }
}

/// Why a request's model does not serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// There is no model of this name.
    #[error("there is no model `{0}`")]
    UnknownModel(String),
    /// The model has no such version that serves.
    #[error("model `{model}` has no version `{version}` that serves")]
    UnknownVersion {
        /// The model.
        model: String,
        /// The version that was asked for.
        version: String,
    },
}

struct Snapshot {
    models: BTreeMap<String, Versions>,
    default: ModelName,
}

/// The models of the server.
pub struct Registry {
    current: ArcSwap<Snapshot>,
}

impl Registry {
    /// A registry of models that are loaded already.
    pub(crate) fn new(models: BTreeMap<String, Versions>, default: ModelName) -> Self {
        Self { current: ArcSwap::from_pointee(Snapshot { models, default }) }
    }

    /// The model that a request means: the default where it names none, the highest version that
    /// serves where it names no version.
    ///
    /// # Errors
    /// When there is no such model or version, or it does not serve.
    pub fn resolve(
        &self,
        name: Option<&str>,
        version: Option<&str>,
    ) -> Result<Arc<LiveModel>, ResolveError> {
        let snapshot = self.current.load();
        let pinned = if name.is_none() { snapshot.default.version } else { None };
        let name = name.unwrap_or(&snapshot.default.name);
        let versions = snapshot.models.get(name);
        let versions = versions.ok_or_else(|| ResolveError::UnknownModel(name.to_owned()))?;
        let found = match (version.map(parse_version), pinned) {
            (None, None) => versions.values().rev().find_map(VersionState::live),
            (None, Some(number)) | (Some(Some(number)), _) => {
                versions.get(&number).and_then(VersionState::live)
            }
            (Some(None), _) => None,
        };
        found.cloned().ok_or_else(|| ResolveError::UnknownVersion {
            model: name.to_owned(),
            version: version.map_or_else(
                || pinned.map_or("latest".to_owned(), |v| v.to_string()),
                str::to_owned,
            ),
        })
    }

    /// The name of the default model.
    pub fn default_model(&self) -> String {
        self.current.load().default.name.clone()
    }

    /// The versions of one model, refused ones included.
    pub fn versions(&self, name: &str) -> Option<Versions> {
        self.current.load().models.get(name).cloned()
    }

    /// Every model with its versions, by name.
    pub fn models(&self) -> BTreeMap<String, Versions> {
        self.current.load().models.clone()
    }

    /// Takes no more images; blocks until the workers have answered what was queued.
    pub fn shut_down(&self) {
        let snapshot = self.current.load_full();
        let live =
            || snapshot.models.values().flat_map(BTreeMap::values).filter_map(VersionState::live);
        live().for_each(|model| model.batcher.close());
        live().for_each(|model| model.batcher.join());
    }
}

#[cfg(test)]
mod tests {
    use super::ModelName;

    #[test]
    fn model_names_are_parsed() {
        let name = |text: &str| text.parse::<ModelName>();
        assert_eq!(name("a"), Ok(ModelName { name: "a".to_owned(), version: None }));
        assert_eq!(name("a@2"), Ok(ModelName { name: "a".to_owned(), version: Some(2) }));
        for wrong in ["", "@1", "a@", "a@0", "a@latest"] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
    }
}
