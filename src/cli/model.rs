//! The model of a command without a server, loaded from the repository like in the server.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use clap::Args;

use super::engine::EngineArgs;
use crate::{
    batching::{RetiredWorkers, StartMode},
    inference::runtime::{DEFAULT_INFERENCE_TIMEOUT, Device, Runtime},
    metrics::Metrics,
    models::{
        ModelVersion,
        engines::Engines,
        live::LiveModel,
        load::ModelLoader,
        name::ModelName,
        policy::VersionPolicies,
        rank_by_accuracy,
        repository::{Listing, Repository, VersionDir, describe_ignored},
        serving_limits::{MAX_BATCH, MAX_INSTANCES, MAX_INTRA_OP_THREADS},
        serving_options::ServingOptions,
        version_files::VersionFiles,
    },
    settings::parse,
    tuning::{Source, TuneMode, Tuner, TuningOptions, cache_directory},
};

/// Flags of the model.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Model")]
pub(super) struct ModelArgs {
    /// Model repository with the layout NAME/VERSION/model.onnx. VERSION is a positive integer.
    #[arg(
        long,
        env = "MIEN_MODELS",
        value_name = "DIR",
        default_value = "models"
    )]
    models: PathBuf,

    /// Model and version; by default the highest version of the model with the best recorded accuracy.
    #[arg(long, value_name = "NAME[@VERSION]")]
    model: Option<ModelName>,

    /// Number of sessions. By default one per core, up to 8, on a CPU, and one on a GPU. At most 256.
    #[arg(long, env = "MIEN_INSTANCES", value_name = "COUNT", value_parser = parse::number::<MAX_INSTANCES>)]
    instances: Option<NonZeroUsize>,

    /// Number of threads, and therefore cores, of one inference call: ONNX Runtime's intra-op threads. By default the number of
    /// cores divided by the instances. At most 256, and at most 1024 for all instances together.
    #[arg(long, env = "MIEN_INTRA_OP_THREADS", value_name = "COUNT", value_parser = parse::number::<MAX_INTRA_OP_THREADS>)]
    intra_op_threads: Option<NonZeroUsize>,

    /// Maximum number of images per inference call. By default 8 on a CPU and 64 on a GPU. At most 1024.
    #[arg(long, env = "MIEN_MAX_BATCH", value_name = "COUNT", value_parser = parse::number::<MAX_BATCH>)]
    max_batch: Option<NonZeroUsize>,

    /// Directory of the tuning results of `mien serve`, which are used for values that are not set. By default
    /// `$XDG_CACHE_HOME/mien` or `~/.cache/mien`.
    #[arg(long, env = "MIEN_TUNE_CACHE", value_name = "DIR")]
    tune_cache: Option<PathBuf>,

    /// Maximum time of an inference call. The trial of the model may take three times as long.
    #[arg(
        long,
        env = "MIEN_INFERENCE_TIMEOUT",
        value_name = "TIME",
        default_value = DEFAULT_INFERENCE_TIMEOUT,
        value_parser = parse::positive_duration
    )]
    inference_timeout: Duration,

    #[command(flatten)]
    engine: EngineArgs,
}

/// Time for the comparison of the precisions of OpenVINO, if none is requested.
const ENGINE_BUDGET: Duration = Duration::from_secs(1);

/// Queue size. A command has no other clients, so this only bounds its memory.
const MAX_QUEUE_SIZE: usize = 4096;

impl ModelArgs {
    /// Loads ONNX Runtime.
    ///
    /// # Errors
    /// Returns an error if the library is not found or the device is not available.
    pub(super) fn runtime(&self) -> anyhow::Result<Runtime> {
        let cache = self.tune_cache.clone();
        Ok(self.engine.runtime(self.inference_timeout, cache)?)
    }

    /// Returns the model of the flag.
    pub(super) fn requested(&self) -> Option<&ModelName> {
        self.model.as_ref()
    }

    /// Loads the model. `default_batch` is the maximum batch size on a CPU if [`Self::leaves_batch_size`]; `None` selects the default
    /// of the device.
    ///
    /// # Errors
    /// Returns an error if the model is not found or cannot be loaded.
    pub(super) fn load(
        &self,
        runtime: Runtime,
        default_batch: Option<usize>,
    ) -> anyhow::Result<Arc<LiveModel>> {
        let options = ServingOptions {
            max_queue_size: MAX_QUEUE_SIZE,
            max_batch: self.max_batch.map(NonZeroUsize::get),
            max_queue_delay: Duration::ZERO,
            instances: self.instances.map(NonZeroUsize::get),
            intra_op_threads: self.intra_op_threads.map(NonZeroUsize::get),
        };
        let cache = self.tune_cache.clone();
        let tuner = Tuner::new(TuningOptions {
            mode: TuneMode::Auto,
            budget: ENGINE_BUDGET,
            cache,
            ..TuningOptions::off()
        });
        let (metrics, retired_workers) = (Arc::new(Metrics::new()), RetiredWorkers::default());
        let loader = ModelLoader {
            runtime,
            options,
            tuner,
            default_batch,
            engines: Engines::new(
                self.engine.choice(),
                cache_directory(self.tune_cache.clone()),
            ),
            verifier: None,
            metrics,
            drift: None,
            retired_workers,
            startup_mode: StartMode::AllWorkers,
        };
        let listing = list(&self.models)?;
        let Some(requested) = &self.model else {
            return self.best(&listing, &loader);
        };
        let (version, found) = find(&self.models, &listing, requested)?;
        let name = &requested.name;
        let model = loader.load_with_engine(name, version, found);
        model.with_context(|| format!("cannot use {name}@{version}"))
    }

    /// Returns whether a loaded model runs on a CPU, and neither the flags nor its files nor a stored measurement determine its batch
    /// size.
    pub(super) fn leaves_batch_size(&self, model: &LiveModel) -> bool {
        let given = self.max_batch.is_some() || model.config.max_batch.is_some();
        let is_fixed = given || model.signature.fixed_batch.is_some();
        !is_fixed && model.device == Device::Cpu && model.tuning.load().source == Source::Default
    }

    /// Returns the loadable model with the best recorded accuracy in its highest loadable version.
    fn best(&self, listing: &Listing, loader: &ModelLoader) -> anyhow::Result<Arc<LiveModel>> {
        let mut reasons = Vec::new();
        let latest = VersionPolicies::new(&[], []).map_err(anyhow::Error::msg)?;
        let files = |dir: &VersionDir| Some(VersionFiles::from(dir));
        for model in rank_by_accuracy(listing, &latest, &BTreeMap::new(), files) {
            let name = &model.name;
            for (version, found) in listing.models[name].iter().rev() {
                match loader.load_with_engine(name, *version, found) {
                    Ok(model) => return Ok(model),
                    Err(error) => reasons.push(format!("{name}@{version}: {error}")),
                }
            }
        }
        let root = self.models.display();
        match reasons.as_slice() {
            [] => bail!(
                "no model in `{root}`; expected <name>/<version>/model.onnx{}",
                describe_ignored(&listing.ignored)
            ),
            reasons => bail!("no model in `{root}` can be loaded: {}", reasons.join("; ")),
        }
    }
}

/// Lists the models of a repository.
pub(super) fn list(root: &Path) -> anyhow::Result<Listing> {
    let repository = Arc::new(Repository::Directory(root.to_owned()));
    repository.list().with_context(|| {
        let root = root.display();
        format!("cannot read the model repository `{root}`; choose another with --models")
    })
}

/// Returns the requested version, by default the highest one.
pub(super) fn find<'a>(
    root: &Path,
    listing: &'a Listing,
    requested: &ModelName,
) -> anyhow::Result<(ModelVersion, &'a VersionDir)> {
    let (root, name) = (root.display(), &requested.name);
    let versions = listing.models.get(name).with_context(|| {
        let known: Vec<&str> = listing.models.keys().map(String::as_str).collect();
        format!(
            "unknown model `{name}` in `{root}`; it contains: {}{}",
            known.join(", "),
            describe_ignored(&listing.ignored)
        )
    })?;
    let found = match requested.version {
        Some(version) => versions.get_key_value(&version),
        None => versions.last_key_value(),
    };
    let (version, found) = found.with_context(|| {
        let known: Vec<String> = versions.keys().map(ToString::to_string).collect();
        format!(
            "unknown version of `{name}` in `{root}`; it has: {}{}",
            known.join(", "),
            describe_ignored(&listing.ignored)
        )
    })?;
    Ok((*version, found))
}
