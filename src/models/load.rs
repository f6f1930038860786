//! Loads a version: inspects its files, tunes it, opens sessions, warms them up and starts the workers.

use std::{sync::Arc, time::SystemTime};

use super::{
    ModelVersion,
    live::LiveModel,
    repository::{MODEL_FILE, VersionDir},
    serving_options::ServingOptions,
    source::{InspectedModel, Source, identity, inspect},
    version_config::{CONFIG_FILE, VersionConfig},
};
use crate::{
    batching::{Batcher, CpuBudget, RetiredWorkers},
    inference::{
        InferenceError, invalid_model,
        runtime::{Device, Runtime},
    },
    metrics::Metrics,
    tuning::{Tuner, Tuning, TuningTarget, space::Overrides},
};

/// Loads versions. Contains everything that is the same for all versions.
pub struct ModelLoader {
    /// ONNX Runtime and the device.
    pub runtime: Runtime,
    /// Serving options.
    pub options: ServingOptions,
    /// Selects the values that the options do not set.
    pub tuner: Tuner,
    /// Metrics of the server.
    pub metrics: Arc<Metrics>,
    /// Worker threads of retired versions.
    pub retired_workers: RetiredWorkers,
}

impl ModelLoader {
    /// Measures the tuning curve of a version if there is none. Errors are ignored, because loading the version reports them.
    pub fn tune_if_needed(&self, name: &str, dir: &VersionDir) {
        let Ok(config) = VersionConfig::read(&dir.path) else {
            return;
        };
        let Ok(given) = self.options.overrides(&config) else {
            return;
        };
        let Ok(sha256) = identity(dir, &config) else {
            return;
        };
        if !self.tuner.is_tuned(&sha256, &self.runtime, given)
            && let Ok(inspected) = inspect(
                &self.runtime,
                dir,
                config,
                given.intra_op_threads.unwrap_or(1),
            )
        {
            self.tune(name, &inspected.source, given);
        }
    }

    fn tune(&self, name: &str, source: &Source, given: Overrides) -> Tuning {
        let open = |threads, max_batch| source.open_without_warm_up(threads, max_batch);
        let target = TuningTarget {
            name,
            sha256: &source.sha256,
            runtime: &self.runtime,
            side: source.signature.side,
            fixed_batch: source.signature.fixed_batch,
            open: &open,
        };
        self.tuner.tune(&target, given)
    }

    /// Loads a version. Blocks until its workers are started.
    ///
    /// # Errors
    /// Returns the reason, without paths, if the version cannot be served or its files change while it is loaded.
    pub fn load(
        &self,
        name: &str,
        version: ModelVersion,
        dir: &VersionDir,
    ) -> Result<LiveModel, InferenceError> {
        let loaded = SystemTime::now();
        let config = VersionConfig::read(&dir.path)?;
        let given = self.options.overrides(&config)?;
        let threads = given.intra_op_threads.unwrap_or(1);
        let InspectedModel {
            source,
            manifest,
            config,
            sessions,
        } = inspect(&self.runtime, dir, config, threads)?;
        let tuning = self.tune(name, &source, given);
        let batch = self.options.batch_options(tuning.configuration);
        let first = source.warm_up(
            if batch.intra_op_threads == threads {
                sessions
            } else {
                source.sessions(batch.intra_op_threads)?
            },
            batch.max_batch,
        )?;

        let (signature, sha256) = (source.signature.clone(), source.sha256.clone());
        let series = self
            .metrics
            .model(name, &version.to_string(), &manifest.labels);
        let cores = cpu_budget(self.runtime.device());
        let factory = source.factory(first, batch);
        let batcher = Batcher::start(name, &factory, batch, cores, series.clone())?;
        batcher.set_reaper(&self.retired_workers);
        if dir.has_changed() {
            return invalid_model(
                "its files changed while it was being loaded; load the model again",
            );
        }
        Ok(LiveModel {
            name: name.to_owned(),
            version,
            manifest,
            config,
            signature,
            device: self.runtime.device(),
            tuning,
            sha256,
            fingerprint: dir.fingerprint.clone(),
            loaded,
            metrics: series,
            batcher,
        })
    }
}

/// Returns the budget that the inferences of a device share: the cores of the machine, or no limit on a GPU.
fn cpu_budget(device: Device) -> CpuBudget {
    match device {
        Device::Cpu => CpuBudget::of_machine(),
        Device::Cuda(_) => CpuBudget::unlimited(),
    }
}

/// Returns whether the files have the same content as when the model was loaded, although their fingerprint differs because
/// they were touched or rewritten.
///
/// # Errors
/// Returns an error if a file cannot be read.
pub fn has_same_content(model: &LiveModel, dir: &VersionDir) -> Result<bool, InferenceError> {
    let by_content = [MODEL_FILE, CONFIG_FILE];
    if model.fingerprint.without(&by_content) != dir.fingerprint.without(&by_content) {
        return Ok(false);
    }
    let config = VersionConfig::read(&dir.path)?;
    Ok(config == model.config && identity(dir, &config)? == model.sha256)
}
