//! Settings of the models that are served.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::Args;

use crate::{
    inference::runtime::DeviceChoice,
    models::registry::{ModelName, VersionPolicy},
};

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

    /// Which versions of each model to load: the highest that loads, or all.
    #[arg(long, env = "MIEN_VERSIONS", value_enum, default_value = "latest")]
    pub versions: VersionPolicy,

    /// auto takes CUDA where the ONNX Runtime that is installed and a GPU allow it, else the CPU.
    /// cuda or cuda:N ends with the reason where it cannot be had.
    #[arg(long, env = "MIEN_DEVICE", value_name = "auto|cpu|cuda[:N]", default_value = "auto")]
    pub device: DeviceChoice,

    /// Sessions of each model, each with a worker thread of its own. Without it what --tune
    /// finds, else one for each core, up to 8, on a CPU, and one on a GPU. A model's mien.toml goes before.
    #[arg(long, env = "MIEN_INSTANCES", value_name = "COUNT")]
    pub instances: Option<NonZeroUsize>,

    /// Cores that one run of a model uses. Without it what --tune finds, else the cores divided
    /// by the instances. A model's mien.toml goes before.
    #[arg(long, env = "MIEN_THREADS", value_name = "COUNT")]
    pub threads: Option<NonZeroUsize>,
}
