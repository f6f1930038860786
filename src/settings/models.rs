//! Settings of the models that are served.

use std::{collections::BTreeMap, num::NonZeroUsize, path::PathBuf, time::Duration};

use clap::Args;

use crate::{
    inference::runtime::DeviceChoice,
    models::{
        LifecycleOptions,
        name::{Alias, ModelName},
        policy::{PolicyChoice, VersionPolicies},
    },
};

use super::{SettingsError, parse};

/// Which models are served, and on what.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Models")]
pub struct ModelSettings {
    /// The models folder: NAME/VERSION/model.onnx, VERSION a positive integer.
    #[arg(long, env = "MIEN_MODELS", value_name = "DIR", default_value = "models")]
    pub models: PathBuf,

    /// The model for requests that name none. Without it the one with the best recorded accuracy.
    #[arg(long, env = "MIEN_DEFAULT_MODEL", value_name = "NAME[@VERSION]")]
    pub default_model: Option<ModelName>,

    /// Which versions to load: latest (the highest that loads), latest:N (the N highest), all, or versions
    /// by number (1,3). NAME=POLICY is for one model and goes before. Repeatable; in the variable,
    /// separated by semicolons: latest;mine=1,3.
    #[arg(
        long,
        env = "MIEN_VERSION_POLICY",
        value_name = "[NAME=]POLICY",
        default_value = "latest",
        value_delimiter = ';'
    )]
    pub version_policy: Vec<PolicyChoice>,

    /// Another name for a model or for one of its versions, which is then loaded whatever --version-policy says.
    /// Repeatable; in the variable, separated by commas.
    #[arg(long, env = "MIEN_ALIAS", value_name = "ALIAS=NAME[@VERSION]", value_delimiter = ',')]
    pub alias: Vec<Alias>,

    /// How often to look for new, changed and removed versions. Without this flag the models folder is read at the
    /// start and when a client loads a model. A change takes effect at the first poll that finds it unchanged.
    #[arg(long, env = "MIEN_REPOSITORY_POLL_INTERVAL", value_name = "SECONDS", value_parser = parse::seconds)]
    pub repository_poll_interval: Option<Duration>,

    /// auto takes CUDA where the ONNX Runtime that is installed and a GPU allow it, else the CPU.
    /// cuda or cuda:N ends with the reason where it cannot be had.
    #[arg(long, env = "MIEN_DEVICE", value_name = "auto|cpu|cuda[:N]", default_value = "auto")]
    pub device: DeviceChoice,

    /// Sessions of each model, each with a worker thread of its own. Without it what --tune
    /// finds, else one for each core, up to 8, on a CPU, and one on a GPU. A model's mien.toml goes before.
    #[arg(long, env = "MIEN_INSTANCES", value_name = "COUNT")]
    pub instances: Option<NonZeroUsize>,

    /// Threads, and so cores, that one inference uses: ONNX Runtime's intra-op threads. Without this flag, what --tune finds,
    /// otherwise the cores divided by the instances. A model's mien.toml has priority.
    #[arg(long, env = "MIEN_INTRA_OP_THREADS", value_name = "COUNT")]
    pub intra_op_threads: Option<NonZeroUsize>,
}

impl ModelSettings {
    /// Which models are loaded.
    ///
    /// # Errors
    /// For a policy or an alias that is given twice, and an alias of an alias.
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
            root: self.models.clone(),
            policies,
            default: self.default_model.clone(),
            aliases,
            pins: BTreeMap::new(),
            repository_poll_interval: self.repository_poll_interval,
        })
    }
}
