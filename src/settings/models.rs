//! Settings of models.

use std::{collections::BTreeMap, num::NonZeroUsize, path::PathBuf, sync::Arc, time::Duration};

use clap::Args;

use crate::models::{
    LifecycleOptions,
    name::{Alias, ModelName},
    policy::{PolicyChoice, VersionPolicies},
    repository::Repository,
    serving_limits::{MAX_INSTANCES, MAX_INTRA_OP_THREADS},
};

use super::{
    SettingsError,
    parse::{self, ModelSource},
};

/// Settings of models.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Models")]
pub struct ModelSettings {
    /// Model repository with the layout NAME/VERSION/model.onnx. VERSION is a positive integer. An ensemble has a mien.toml
    /// instead of the file.
    #[arg(
        long,
        env = "MIEN_MODELS",
        value_name = "DIR",
        default_value = "models"
    )]
    pub models: PathBuf,

    /// Model in a directory of its own. DIR contains model.onnx, which is version 1, or VERSION/model.onnx. The server then serves only
    /// the models of this flag and does not read --models. Repeatable; in the variable, entries are separated by commas.
    #[arg(
        long,
        env = "MIEN_MODEL",
        value_name = "NAME=DIR",
        value_delimiter = ','
    )]
    pub model: Vec<ModelSource>,

    /// Load only signed models. PUBKEY is a file with one or several ECDSA public keys (P-256 or P-384) in PEM format. Each directory of a
    /// version must contain a model.sig of OpenSSF Model Signing that was made with one of the keys.
    #[arg(long, env = "MIEN_REQUIRE_SIGNATURE", value_name = "PUBKEY")]
    pub require_signature: Option<PathBuf>,

    /// Model for requests that do not name one. By default the model with the best recorded accuracy.
    #[arg(long, env = "MIEN_DEFAULT_MODEL", value_name = "NAME[@VERSION]")]
    pub default_model: Option<ModelName>,

    /// Versions to load: latest (the highest version that loads), latest:N (the N highest), all, none, or versions by number (1,3).
    /// NAME=POLICY applies to one model and has priority. Repeatable; in the variable, entries are separated by semicolons:
    /// latest;mine=1,3.
    #[arg(
        long,
        env = "MIEN_VERSION_POLICY",
        value_name = "[NAME=]POLICY",
        default_value = "latest",
        value_delimiter = ';'
    )]
    pub version_policy: Vec<PolicyChoice>,

    /// Additional name for a model or for one of its versions. The version is loaded independently of --version-policy.
    /// Repeatable; in the variable, entries are separated by commas.
    #[arg(
        long,
        env = "MIEN_ALIAS",
        value_name = "ALIAS=NAME[@VERSION]",
        value_delimiter = ','
    )]
    pub alias: Vec<Alias>,

    /// Interval at which the repository is polled for new, changed and removed versions. By default it is read only at the start
    /// and when a client loads a model. A change takes effect at the first poll that finds the file unchanged.
    #[arg(long, env = "MIEN_REPOSITORY_POLL_INTERVAL", value_name = "SECONDS", value_parser = parse::seconds)]
    pub repository_poll_interval: Option<Duration>,

    /// Number of sessions per model, each with a worker thread of its own. By default the result of --tune, otherwise one per
    /// core, up to 8, on a CPU, and one on a GPU. A model's mien.toml has priority. At most 256.
    #[arg(long, env = "MIEN_INSTANCES", value_name = "COUNT", value_parser = parse::number::<MAX_INSTANCES>)]
    pub instances: Option<NonZeroUsize>,

    /// Number of threads, and therefore cores, of one inference call: ONNX Runtime's intra-op threads. By default the result of
    /// --tune, otherwise the number of cores divided by the instances. A model's mien.toml has priority. At most 256, and at most 1024
    /// for all instances of a model together.
    #[arg(long, env = "MIEN_INTRA_OP_THREADS", value_name = "COUNT", value_parser = parse::number::<MAX_INTRA_OP_THREADS>)]
    pub intra_op_threads: Option<NonZeroUsize>,
}

impl ModelSettings {
    /// Returns the options of the model lifecycle.
    ///
    /// # Errors
    /// Returns an error for a duplicate model, policy or alias, and for an alias of an alias.
    pub fn lifecycle(&self) -> Result<LifecycleOptions, SettingsError> {
        let mut aliases = BTreeMap::new();
        for Alias { alias, target } in &self.alias {
            if aliases.insert(alias.clone(), target.clone()).is_some() {
                return Err(SettingsError::AliasTwice(alias.clone()));
            }
        }
        for target in aliases.values() {
            if aliases.contains_key(&target.name) {
                return Err(SettingsError::AliasOfAlias(target.name.clone()));
            }
        }
        let pins = aliases.values().chain(&self.default_model);
        let policies =
            VersionPolicies::new(&self.version_policy, pins).map_err(SettingsError::PolicyTwice)?;
        Ok(LifecycleOptions {
            repository: Arc::new(self.repository()?),
            policies,
            default: self.default_model.clone(),
            aliases,
            pins: BTreeMap::new(),
            repository_poll_interval: self.repository_poll_interval,
        })
    }

    fn repository(&self) -> Result<Repository, SettingsError> {
        if self.model.is_empty() {
            return Ok(Repository::Directory(self.models.clone()));
        }
        let mut models = BTreeMap::new();
        for ModelSource { name, path } in &self.model {
            if models.insert(name.clone(), path.clone()).is_some() {
                return Err(SettingsError::ModelTwice(name.clone()));
            }
        }
        Ok(Repository::Models(models))
    }
}
