//! The model of a command that needs no server: loaded from the models folder as the server does it.

use std::{num::NonZeroUsize, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use clap::Args;

use crate::{
    inference::runtime::{CudaOptions, DeviceChoice, Runtime},
    metrics::Metrics,
    models::{
        registry::{LiveModel, ModelName, Registry, VersionPolicy},
        repository::{self, ServingOptions},
    },
    tuning::{TuneMode, Tuner, TuningOptions},
};

/// Which model runs, and on what.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Model")]
pub(super) struct ModelArgs {
    /// The models folder: NAME/VERSION/model.onnx, VERSION a positive integer.
    #[arg(long, env = "MIEN_MODELS", value_name = "DIR", default_value = "models")]
    models: PathBuf,

    /// The model, and its version; without a version the highest. Without it the model
    /// with the best recorded accuracy.
    #[arg(long, value_name = "NAME[@VERSION]")]
    model: Option<ModelName>,

    /// auto takes CUDA where the ONNX Runtime that is installed and a GPU allow it, else the CPU.
    #[arg(long, env = "MIEN_DEVICE", value_name = "auto|cpu|cuda[:N]", default_value = "auto")]
    device: DeviceChoice,

    /// Sessions of the model. Without it one for each core, up to 8, on a CPU, and one on a GPU.
    #[arg(long, env = "MIEN_INSTANCES", value_name = "COUNT")]
    instances: Option<NonZeroUsize>,

    /// Cores that one run of the model uses. Without it the cores divided by the instances.
    #[arg(long, env = "MIEN_THREADS", value_name = "COUNT")]
    threads: Option<NonZeroUsize>,

    /// The most images of one run. Without it 8 on a CPU and 64 on a GPU.
    #[arg(long, env = "MIEN_MAX_BATCH", value_name = "COUNT")]
    max_batch: Option<NonZeroUsize>,

    /// Where `mien serve` keeps what it has measured: what is not given here is what serves best. Without it
    /// `$XDG_CACHE_HOME/mien` or `~/.cache/mien`.
    #[arg(long, env = "MIEN_TUNE_CACHE", value_name = "DIR")]
    tune_cache: Option<PathBuf>,
}

/// Images that may wait. Nobody else fills the queue of a command, so this only bounds its memory.
const QUEUE_IMAGES: usize = 4096;

impl ModelArgs {
    /// Loads the model, and no other where one is named.
    pub(super) fn load(&self) -> anyhow::Result<Arc<LiveModel>> {
        let runtime = Runtime::load(self.device, CudaOptions::default())?;
        let options = ServingOptions {
            queue_images: QUEUE_IMAGES,
            max_batch: self.max_batch.map(NonZeroUsize::get),
            max_delay: Duration::ZERO,
            instances: self.instances.map(NonZeroUsize::get),
            threads: self.threads.map(NonZeroUsize::get),
        };
        let metrics = Metrics::new();
        let cache = self.tune_cache.clone();
        let tuner =
            Tuner::new(TuningOptions { mode: TuneMode::Auto, budget: Duration::ZERO, cache });
        // A command is not kept waiting for a measurement.
        tuner.start_serving();
        let Some(wanted) = &self.model else {
            let latest = VersionPolicy::Latest;
            let models = &self.models;
            let registry =
                Registry::load(models, latest, None, &runtime, &tuner, options, &metrics)?;
            return Ok(registry.resolve(None, None)?);
        };
        let (version, folder) = self.find(wanted)?;
        let name = &wanted.name;
        let model = repository::load(&runtime, &metrics, &tuner, options, name, version, &folder);
        Ok(Arc::new(model.with_context(|| format!("{name}@{version} cannot be used"))?))
    }

    /// The version and its folder.
    fn find(&self, wanted: &ModelName) -> anyhow::Result<(u64, PathBuf)> {
        let root = self.models.display();
        let models = repository::list(&self.models).with_context(|| {
            format!("the models folder `{root}` cannot be read; name another with --models")
        })?;
        let Some(versions) = models.get(&wanted.name) else {
            let known: Vec<&str> = models.keys().map(String::as_str).collect();
            bail!(
                "there is no model `{}` in `{root}`; it holds: {}",
                wanted.name,
                known.join(", ")
            );
        };
        let found = match wanted.version {
            Some(version) => versions.get_key_value(&version),
            None => versions.last_key_value(),
        };
        let Some((version, folder)) = found else {
            let known: Vec<String> = versions.keys().map(u64::to_string).collect();
            bail!(
                "`{}` has no such version in `{root}`; it has: {}",
                wanted.name,
                known.join(", ")
            );
        };
        Ok((*version, folder.clone()))
    }
}
