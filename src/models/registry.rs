//! Which model a request means. Readers take a snapshot without a lock; a change swaps it whole.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use arc_swap::ArcSwap;

use super::{
    manifest::Manifest,
    repository::{self, ServingOptions, parse_version},
};
use crate::{
    batching::Batcher,
    inference::{
        runtime::{Device, Runtime},
        signature::Signature,
    },
    metrics::{Metrics, ModelMetrics},
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
    /// Cores that one run uses.
    pub threads: usize,
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

/// Which versions of a model are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum VersionPolicy {
    /// The highest that loads.
    Latest,
    /// Every one.
    All,
}

/// Why the server has nothing to serve.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The models folder cannot be read.
    #[error("the models folder `{}` cannot be read; name another with --models", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no model in it.
    #[error("no model in `{}`; expected <name>/<version>/model.onnx, version a positive integer", .0.display())]
    Empty(PathBuf),
    /// None of its models loads.
    #[error("no model in `{}` can be served: {}", folder.display(), reasons.join("; "))]
    NoneLoads {
        /// The folder.
        folder: PathBuf,
        /// One reason for each version tried.
        reasons: Vec<String>,
    },
    /// The default model is not among those that serve.
    #[error("the default model `{0}` does not serve; see the log for models that were refused")]
    Default(String),
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
    /// Loads the models of a folder. What cannot be loaded is logged and kept with its reason.
    ///
    /// # Errors
    /// When nothing serves, or the default model does not.
    pub fn load(
        root: &Path,
        policy: VersionPolicy,
        default: Option<&ModelName>,
        runtime: &Runtime,
        options: ServingOptions,
        metrics: &Metrics,
    ) -> Result<Self, RegistryError> {
        let listing = repository::list(root)
            .map_err(|source| RegistryError::Folder { folder: root.to_owned(), source })?;
        if listing.is_empty() {
            return Err(RegistryError::Empty(root.to_owned()));
        }
        let mut models = BTreeMap::new();
        for (name, folders) in listing {
            let pinned = default.filter(|d| d.name == name).and_then(|d| d.version);
            let mut versions = Versions::new();
            for (version, folder) in folders.into_iter().rev() {
                let served = versions.values().any(|state: &VersionState| state.live().is_some());
                if served && policy == VersionPolicy::Latest && pinned != Some(version) {
                    continue;
                }
                let loaded = repository::load(runtime, metrics, options, &name, version, &folder);
                versions.insert(version, note(metrics, &name, version, loaded));
            }
            models.insert(name, versions);
        }
        let Some(best) = best_model(&models) else {
            let reasons = reasons(&models);
            return Err(RegistryError::NoneLoads { folder: root.to_owned(), reasons });
        };
        let default = default.cloned().unwrap_or(best);
        let registry = Self { current: ArcSwap::from_pointee(Snapshot { models, default }) };
        let model =
            registry.resolve(None, None).map_err(|e| RegistryError::Default(e.to_string()))?;
        tracing::info!(model = model.name, version = model.version, "default model");
        Ok(registry)
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

/// Logs and counts what became of a version.
fn note(
    metrics: &Metrics,
    name: &str,
    version: u64,
    loaded: Result<LiveModel, crate::inference::InferenceError>,
) -> VersionState {
    let label = version.to_string();
    match loaded {
        Ok(model) => {
            let architecture = model.manifest.architecture.as_deref().unwrap_or("unknown");
            metrics.model_serves(name, &label, architecture, &model.sha256);
            let options = model.batcher.options();
            tracing::info!(
                model = name,
                version,
                architecture,
                input = model.signature.layout().join("x"),
                instances = options.instances,
                threads = model.threads,
                max_batch = options.max_batch,
                accuracy = model.manifest.test_accuracy(),
                "model loaded"
            );
            VersionState::Ready(Arc::new(model))
        }
        Err(error) => {
            metrics.model_refused(name, &label);
            tracing::error!(model = name, version, "model refused: {error}");
            VersionState::Refused(error.to_string())
        }
    }
}

/// The model with the best recorded accuracy on the test set; without one, the first by name.
fn best_model(models: &BTreeMap<String, Versions>) -> Option<ModelName> {
    let serving = models.iter().filter_map(|(name, versions)| {
        let newest = versions.values().rev().find_map(VersionState::live)?;
        Some((name, newest.manifest.test_accuracy().unwrap_or(f64::NEG_INFINITY)))
    });
    // `max_by` takes the last of equals; by name backwards that is the first name.
    let best = serving.rev().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    Some(ModelName { name: best.0.clone(), version: None })
}

fn reasons(models: &BTreeMap<String, Versions>) -> Vec<String> {
    let each = |(name, versions): (&String, &Versions)| -> Vec<String> {
        let refused = versions.iter().filter_map(|(version, state)| match state {
            VersionState::Ready(_) => None,
            VersionState::Refused(reason) => Some(format!("{name}@{version}: {reason}")),
        });
        refused.collect()
    };
    models.iter().flat_map(each).collect()
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
