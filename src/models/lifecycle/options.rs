//! What the thread is told, and how it fails.

use std::{collections::BTreeMap, io, path::PathBuf, time::Duration};

use crate::models::{name::ModelName, policy::VersionPolicies};

/// Which models are loaded.
#[derive(Debug, Clone)]
pub struct LifecycleOptions {
    /// The models folder.
    pub root: PathBuf,
    /// Which versions of each.
    pub policies: VersionPolicies,
    /// The model for requests that name none; without it the one with the best recorded accuracy.
    pub default: Option<ModelName>,
    /// Other names of models.
    pub aliases: BTreeMap<String, ModelName>,
    /// The versions that serve of models that are pinned.
    pub pins: BTreeMap<String, u64>,
    /// How often the folder is looked at for changes; never without it.
    pub repository_poll_interval: Option<Duration>,
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
    /// An alias has the name of a model.
    #[error(
        "--alias gives `{0}` another meaning, but a model of this name is in the models folder"
    )]
    AliasShadows(String),
    /// None of its models loads.
    #[error("no model in `{}` can be served: {}", folder.display(), reasons.join("; "))]
    NoneLoads {
        /// The folder.
        folder: PathBuf,
        /// One reason for each version tried.
        reasons: Vec<String>,
    },
    /// The default model does not serve.
    #[error("the default model cannot be served: {0}")]
    Default(String),
    /// The thread that loads models cannot be started.
    #[error("the thread that loads models cannot be started")]
    Thread(#[source] io::Error),
}

/// Why a model was not loaded or unloaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// There is no such model in the models folder.
    #[error("there is no model `{0}` in the models folder")]
    UnknownModel(String),
    /// Its files cannot be served.
    #[error(
        "version {version} of model `{model}` cannot be served: {reason}; {}",
        goes_on(serving)
    )]
    Unfit {
        /// The model.
        model: String,
        /// The version, the highest of those that failed.
        version: u64,
        /// Why; without paths.
        reason: String,
        /// The versions that serve, as before.
        serving: Vec<u64>,
    },
    /// The version policy wants none of the versions that are there.
    #[error(
        "--version-policy wants none of the versions of model `{0}` that are in the models folder"
    )]
    NotWanted(String),
    /// The server is at fault.
    #[error("{0}")]
    Failed(String),
    /// Too many changes wait.
    #[error("too many models wait to be loaded or unloaded; try again later")]
    Busy,
    /// The server is on its way down.
    #[error("the server is shutting down")]
    ShuttingDown,
}

fn goes_on(serving: &[u64]) -> String {
    match serving {
        [] => "no version of it serves".to_owned(),
        [version] => format!("version {version} goes on serving"),
        versions => {
            let versions: Vec<String> = versions.iter().map(u64::to_string).collect();
            format!("versions {} go on serving", versions.join(", "))
        }
    }
}
