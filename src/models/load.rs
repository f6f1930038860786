//! A version on disk -> a live model: examined, tuned, its sessions opened and tried, its workers started.

use std::{sync::Arc, time::SystemTime};

use super::{
    live::LiveModel,
    plan::ServingOptions,
    repository::{Found, MODEL_FILE},
    sidecar::{SIDECAR, Sidecar},
    source::{Examined, Source, examine, identity},
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

/// Loads versions: what they all have in common.
pub struct ModelLoader {
    /// ONNX Runtime and the device.
    pub runtime: Runtime,
    /// How models are served.
    pub options: ServingOptions,
    /// Finds what the options leave open.
    pub tuner: Tuner,
    /// Where their metrics are.
    pub metrics: Arc<Metrics>,
    /// The workers of versions that were retired.
    pub leaving: RetiredWorkers,
}

impl ModelLoader {
    /// Measures how a version is best served, where that is not known yet. What is wrong with it shows when it is
    /// loaded.
    pub fn measure(&self, name: &str, found: &Found) {
        let Ok(sidecar) = Sidecar::read(&found.folder) else {
            return;
        };
        let given = self.options.given(&sidecar);
        let Ok(sha256) = identity(found, &sidecar) else {
            return;
        };
        if !self.tuner.is_tuned(&sha256, &self.runtime, given)
            && let Ok(examined) = examine(
                &self.runtime,
                found,
                sidecar,
                given.intra_op_threads.unwrap_or(1),
            )
        {
            self.tune(name, &examined.source, given);
        }
    }

    fn tune(&self, name: &str, source: &Source, given: Overrides) -> Tuning {
        let open = |threads, max_batch| source.open_untried(threads, max_batch);
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

    /// Loads a version: checks it, tunes it, makes its sessions, tries each once, starts its workers. Takes as long as
    /// that takes; nothing of it belongs on an event loop.
    ///
    /// # Errors
    /// When it cannot be served or was written to meanwhile; the reason names no path.
    pub fn load(
        &self,
        name: &str,
        version: u64,
        found: &Found,
    ) -> Result<LiveModel, InferenceError> {
        let loaded = SystemTime::now();
        let sidecar = Sidecar::read(&found.folder)?;
        let given = self.options.given(&sidecar);
        let threads = given.intra_op_threads.unwrap_or(1);
        let Examined {
            source,
            manifest,
            sidecar,
            sessions,
        } = examine(&self.runtime, found, sidecar, threads)?;
        let tuning = self.tune(name, &source, given);
        let batch = self.options.batch_options(tuning.configuration);
        let first = source.try_out(
            if batch.intra_op_threads == threads {
                sessions
            } else {
                source.sessions(batch.intra_op_threads)?
            },
            batch.max_batch,
        )?;

        let (signature, sha256) = (source.signature.clone(), source.sha256.clone());
        let series = self.metrics.model(name, &manifest.labels);
        let cores = match self.runtime.device() {
            Device::Cpu => CpuBudget::of_machine(),
            Device::Cuda(_) => CpuBudget::unlimited(),
        };
        let factory = source.factory(first, batch);
        let batcher = Batcher::start(name, &factory, batch, cores, series.clone())?;
        batcher.set_reaper(&self.leaving);
        if found.has_changed() {
            return invalid_model("its files changed while it was being loaded; load it again");
        }
        Ok(LiveModel {
            name: name.to_owned(),
            version,
            manifest,
            sidecar,
            signature,
            device: self.runtime.device(),
            tuning,
            sha256,
            fingerprint: found.fingerprint.clone(),
            loaded,
            metrics: series,
            batcher,
        })
    }
}

/// Whether the folder holds what the model was loaded from, though its fingerprint is another one: files were
/// touched, or written again with what they held.
///
/// # Errors
/// When a sidecar or a model file cannot be read.
pub fn has_same_content(model: &LiveModel, found: &Found) -> Result<bool, InferenceError> {
    let by_content = [MODEL_FILE, SIDECAR];
    if model.fingerprint.without(&by_content) != found.fingerprint.without(&by_content) {
        return Ok(false);
    }
    let sidecar = Sidecar::read(&found.folder)?;
    Ok(sidecar == model.sidecar && identity(found, &sidecar)? == model.sha256)
}
