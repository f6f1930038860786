//! Loads a version: inspects its files, selects its configuration, opens sessions, warms them up and starts the workers.

use std::{sync::Arc, time::SystemTime};

use arc_swap::ArcSwap;

use super::{
    ModelVersion,
    engines::{Engines, OpenedEngine},
    live::LiveModel,
    mirror::MirrorSlot,
    repository::VersionDir,
    serving_options::ServingOptions,
    signing::ModelVerifier,
    source::{InspectedModel, SessionKind, inspect},
    version_config::VersionConfig,
    version_files::VersionFiles,
};
use crate::{
    batching::{Batcher, CpuBudget, RetiredWorkers, StartMode},
    drift::Monitors,
    inference::{
        InferenceError, Labels,
        engine::{Engine, Execution},
        invalid_model,
        runtime::{Device, Runtime},
        signature::Signature,
    },
    metrics::{Metrics, ModelMetrics},
    tuning::{Tuner, TuningTarget, space::Overrides},
};

/// Loads versions. Contains everything that is the same for all versions.
pub struct ModelLoader {
    /// ONNX Runtime and the device.
    pub runtime: Runtime,
    /// Serving options.
    pub options: ServingOptions,
    /// Selects the values that the options do not set.
    pub tuner: Tuner,
    /// Maximum batch size on a CPU that is not measured or set; by default that of the device.
    pub default_batch: Option<usize>,
    /// Selects the engines.
    pub engines: Engines,
    /// Verifies the signatures of versions. Without it, versions do not need a signature.
    pub verifier: Option<ModelVerifier>,
    /// Metrics of the server.
    pub metrics: Arc<Metrics>,
    /// The monitors of drift; `None` if drift is not detected.
    pub drift: Option<Arc<Monitors>>,
    /// Worker threads of retired versions.
    pub retired_workers: RetiredWorkers,
    /// The workers that a version waits for until a model serves. A program that can end while sessions are opened must wait for
    /// all, because ONNX Runtime crashes if the process exits at that time.
    pub startup_mode: StartMode,
}

impl ModelLoader {
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
        let model = self.load_without_monitor(name, version, dir)?;
        let drift = self.drift.as_ref();
        let drift = drift.map(|drift| drift.monitor(name, version, &model.sha256));
        Ok(LiveModel { drift, ..model })
    }

    /// Loads a version like [`Self::load`], but does not compare its images with an evaluation.
    ///
    /// # Errors
    /// Returns the errors of [`Self::load`].
    pub(super) fn load_without_monitor(
        &self,
        name: &str,
        version: ModelVersion,
        dir: &VersionDir,
    ) -> Result<LiveModel, InferenceError> {
        let loaded = SystemTime::now();
        let series = |labels: &Labels| self.metrics.model(name, &version.to_string(), labels);
        self.build(name, version, dir, loaded, series)
    }

    /// Loads a version again from the same files, for another configuration. Its metrics continue.
    ///
    /// # Errors
    /// Returns the errors of [`Self::load`], and an error if its files have changed since it was loaded.
    pub(super) fn load_again(&self, model: &LiveModel) -> Result<LiveModel, InferenceError> {
        let VersionDir {
            repository, path, ..
        } = &model.dir;
        let dir = VersionDir::new(repository, path.clone())
            .map_err(|error| InferenceError::Model(format!("its directory: {error}")))?;
        let series = |_: &Labels| model.metrics.clone();
        let new = self.build(&model.name, model.version, &dir, model.loaded, series)?;
        if new.config != model.config || !new.has_files_of(model) {
            return invalid_model("its files have changed since it was loaded");
        }
        let drift = model.drift.clone();
        Ok(LiveModel { drift, ..new })
    }

    /// Loads a version without a monitor of drift.
    fn build(
        &self,
        name: &str,
        version: ModelVersion,
        dir: &VersionDir,
        loaded: SystemTime,
        series: impl FnOnce(&Labels) -> ModelMetrics,
    ) -> Result<LiveModel, InferenceError> {
        let files = self.files(dir)?;
        let config = VersionConfig::read(&files.path)?;
        let given = self.options.overrides(&config)?;
        let choice = self.engines.choice(&config)?;
        let threads = given.intra_op_threads.unwrap_or(1);
        // Some workers of the default model open their sessions when it serves already. Background priority would delay them
        // for minutes on a busy machine.
        let runtime = self.runtime.on(choice.device)?;
        let runtime = runtime.with_current_load_priority();
        let InspectedModel {
            source,
            manifest,
            config,
            sessions,
        } = inspect(&runtime, &files, config, threads)?;
        let execution = self.engines.expected(name, &source.sha256, choice);
        let (sha256, signature) = (&source.sha256, &source.signature);
        let target = self.tuning_target(name, sha256, signature, &runtime, execution, given);
        let tuning = self.tuner.select(&target);
        let batch = self.options.batch_options(tuning.configuration);
        let sessions = if batch.intra_op_threads == threads {
            sessions
        } else {
            source.sessions(&SessionKind::Default(batch.intra_op_threads))?
        };
        let OpenedEngine {
            kind,
            first,
            reports,
        } = self.open(name, &source, choice, batch, sessions)?;

        let (signature, sha256) = (source.signature.clone(), source.sha256.clone());
        let series = series(&manifest.labels);
        let cores = cpu_budget(runtime.device());
        let execution = kind.execution();
        let factory = source.factory(first, kind, batch.max_batch);
        let mode = self.start_mode(runtime.device());
        let batcher = Batcher::start_in_mode(name, &factory, batch, cores, series.clone(), mode)?;
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
            device: runtime.device(),
            execution,
            engines: ArcSwap::from_pointee(reports),
            tuning: ArcSwap::from_pointee(tuning),
            sha256,
            dir: dir.clone(),
            loaded,
            metrics: series,
            drift: None,
            mirror: MirrorSlot::default(),
            batcher,
        })
    }

    /// Describes a version of this content for the tuner. `given` are the values that are not selected.
    pub(super) fn tuning_target<'a>(
        &self,
        name: &'a str,
        sha256: &'a str,
        signature: &Signature,
        runtime: &Runtime,
        execution: Execution,
        given: Overrides,
    ) -> TuningTarget<'a> {
        let device = runtime.device();
        TuningTarget {
            name,
            sha256,
            device,
            variant: tuning_variant(runtime, execution),
            fixed_batch: signature.fixed_batch,
            default_batch: self.default_batch.filter(|_| device == Device::Cpu),
            largest_batch: None,
            given,
        }
    }

    /// Returns the files that a version must be loaded from: verified copies if signatures are required.
    ///
    /// # Errors
    /// Returns an error if the version is not signed or differs from what was signed.
    pub(super) fn files(&self, dir: &VersionDir) -> Result<VersionFiles, InferenceError> {
        match &self.verifier {
            Some(verifier) => verifier.verified_files(dir),
            None => Ok(VersionFiles::from(dir)),
        }
    }

    /// Returns the workers that a version waits for: all of them when a model serves already, and on a GPU, because its memory may
    /// not suffice for all sessions.
    fn start_mode(&self, device: Device) -> StartMode {
        let is_serving = self.runtime.load_priority().is_serving();
        match device {
            Device::Cpu if !is_serving => self.startup_mode,
            Device::Cpu | Device::Cuda(_) => StartMode::AllWorkers,
        }
    }
}

/// Returns the build and the options of the runtime and the engine that affect the speed.
fn tuning_variant(runtime: &Runtime, execution: Execution) -> String {
    match execution.engine {
        Engine::OnnxRuntime => runtime.variant(),
        Engine::OpenVino => format!("{} {execution}", runtime.variant()),
    }
}

/// Returns the budget that the inferences of a device share: the cores of the machine, or no limit on a GPU.
fn cpu_budget(device: Device) -> CpuBudget {
    match device {
        Device::Cpu => CpuBudget::of_machine(),
        Device::Cuda(_) => CpuBudget::unlimited(),
    }
}
