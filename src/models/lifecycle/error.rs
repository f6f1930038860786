//! Errors of the lifecycle.

use std::{error::Error, io, path::PathBuf, sync::Arc};

use crate::{
    excerpt::Excerpt,
    models::{
        ModelVersion,
        repository::{IgnoredPath, Repository, describe_ignored},
    },
};

/// Why no model can be served.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The models directory cannot be read.
    #[error("cannot read the models directory `{repository}`; set another one with --models")]
    Directory {
        /// The directory.
        repository: Arc<Repository>,
        /// The cause.
        source: io::Error,
    },
    /// The models directory contains no model.
    #[error(
        "no model in `{repository}`; expected <name>/<version>/model.onnx, version a positive integer{}",
        describe_ignored(ignored)
    )]
    Empty {
        /// The directory.
        repository: Arc<Repository>,
        /// Paths that look like models.
        ignored: Vec<IgnoredPath>,
    },
    /// The directory of `--model` contains no version.
    #[error(
        "--model {name}={dir}: no model in `{dir}`; expected model.onnx or <version>/model.onnx, version a positive integer{paths}",
        dir = path.display(),
        paths = describe_ignored(ignored)
    )]
    NoVersion {
        /// The name of the model.
        name: String,
        /// The directory.
        path: PathBuf,
        /// Why the directory cannot be read.
        source: Option<io::Error>,
        /// Paths that look like models.
        ignored: Vec<IgnoredPath>,
    },
    /// An alias has the name of a model.
    #[error("--alias redefines `{0}`, but the models directory contains a model of this name")]
    AliasShadows(String),
    /// No model in the directory can be loaded.
    #[error("no model in `{repository}` can be served: {}", reasons.join("; "))]
    NoneLoads {
        /// The directories of the models.
        repository: Arc<Repository>,
        /// One reason per version that was tried.
        reasons: Vec<String>,
    },
    /// The default model cannot be loaded.
    #[error("the default model cannot be served: {0}")]
    Default(String),
    /// The lifecycle thread cannot be started.
    #[error("cannot start the thread that loads models")]
    Thread(#[source] io::Error),
}

/// Why the new pin of a model was not stored. The texts name paths, so they are for the log only.
#[derive(Debug, thiserror::Error)]
pub enum PersistPinError {
    /// The promotion that moves the pin was cancelled.
    #[error("the promotion was cancelled")]
    Cancelled,
    /// The pin cannot be written.
    #[error("cannot save the pin: {0}")]
    NotSaved(#[source] Box<dyn Error + Send + Sync>),
}

/// Why a model was not loaded or unloaded.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// The models directory contains no model of this name.
    #[error("there is no model `{}` in the models directory", Excerpt(.0))]
    UnknownModel(String),
    /// A version cannot be served.
    #[error(
        "version {version} of model `{model}` cannot be served: {reason}; {}",
        still_serving(serving)
    )]
    InvalidModel {
        /// The model.
        model: String,
        /// The highest version that failed.
        version: ModelVersion,
        /// The reason, without paths.
        reason: String,
        /// The versions that continue to serve.
        serving: Vec<ModelVersion>,
    },
    /// The version policy selects none of the versions on disk.
    #[error("--version-policy selects no version of model `{0}` in the models directory")]
    ExcludedByPolicy(String),
    /// The server failed.
    #[error("{0}")]
    Failed(String),
    /// The pin of the model was not stored.
    #[error(transparent)]
    Pin(#[from] PersistPinError),
    /// Too many changes are waiting.
    #[error("too many models are waiting to be loaded or unloaded; try again later")]
    Busy,
    /// The server is shutting down.
    #[error("the server is shutting down")]
    ShuttingDown,
}

fn still_serving(versions: &[ModelVersion]) -> String {
    match versions {
        [] => "no version of the model is loaded".to_owned(),
        [version] => format!("version {version} continues to serve"),
        versions => {
            let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
            format!("versions {} continue to serve", versions.join(", "))
        }
    }
}

/// Why a version cannot become a candidate or be promoted.
#[derive(Debug, thiserror::Error)]
pub enum PromoteError {
    /// The models could not be changed.
    #[error(transparent)]
    Change(#[from] LifecycleError),
    /// The models directory does not contain the version.
    #[error("model `{model}` has no version `{version}` in the models directory")]
    UnknownVersion {
        /// The model.
        model: String,
        /// The version.
        version: ModelVersion,
    },
    /// No version of the model serves.
    #[error("no version of model `{0}` is serving; load the model first")]
    NotServing(String),
    /// The version serves already.
    #[error("version {version} of model `{model}` is already serving")]
    AlreadyServing {
        /// The model.
        model: String,
        /// The version.
        version: ModelVersion,
    },
    /// The version is not the one that was evaluated.
    #[error("version {version} of model `{model}` was unloaded or replaced after its evaluation")]
    Changed {
        /// The model.
        model: String,
        /// The version.
        version: ModelVersion,
    },
    /// The model has another candidate.
    #[error(
        "a promotion of model `{0}` is already in progress; cancel it or wait until it has ended"
    )]
    InProgress(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_model_lists_versions_that_continue_to_serve() {
        let message = |serving: &[u64]| {
            let error = LifecycleError::InvalidModel {
                model: "m".to_owned(),
                version: ModelVersion::of(3),
                reason: "it has no labels".to_owned(),
                serving: serving.iter().copied().map(ModelVersion::of).collect(),
            };
            error.to_string()
        };
        let start = "version 3 of model `m` cannot be served: it has no labels; ";
        for (serving, end) in [
            (&[][..], "no version of the model is loaded"),
            (&[1], "version 1 continues to serve"),
            (&[1, 2], "versions 1, 2 continue to serve"),
        ] {
            assert_eq!(message(serving), format!("{start}{end}"));
        }
    }
}
