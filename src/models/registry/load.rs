//! Loads a models folder into a registry, and picks its default.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{LiveModel, ModelName, Registry, VersionState, Versions};
use crate::{
    inference::{InferenceError, runtime::Runtime},
    metrics::Metrics,
    models::repository::{self, ServingOptions},
    tuning::Tuner,
};

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
        tuner: &Tuner,
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
                let loaded =
                    repository::load(runtime, metrics, tuner, options, &name, version, &folder);
                versions.insert(version, note(metrics, &name, version, loaded));
            }
            models.insert(name, versions);
        }
        let Some(best) = best_model(&models) else {
            let reasons = reasons(&models);
            return Err(RegistryError::NoneLoads { folder: root.to_owned(), reasons });
        };
        let default = default.cloned().unwrap_or(best);
        let registry = Self::new(models, default);
        let model =
            registry.resolve(None, None).map_err(|e| RegistryError::Default(e.to_string()))?;
        tracing::info!(model = model.name, version = model.version, "default model");
        Ok(registry)
    }
}

/// Logs and counts what became of a version.
fn note(
    metrics: &Metrics,
    name: &str,
    version: u64,
    loaded: Result<LiveModel, InferenceError>,
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
                threads = options.threads,
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
