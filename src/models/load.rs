//! A version on disk -> a live model: checked, planned, its sessions opened and tried, its workers started.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    live::LiveModel,
    manifest::{Manifest, Sidecar},
    plan::{ServingOptions, plan},
    repository::{Fingerprint, Found, MODEL_FILE, hash},
};
use crate::{
    batching::{Batcher, Cores, Factory},
    inference::{
        Classifier, InferenceError,
        onnx::{self, OnnxClassifier},
        runtime::{Device, Runtime},
        signature::Signature,
    },
    metrics::Metrics,
};

/// Loads versions: what they all have in common.
pub struct ModelLoader {
    /// ONNX Runtime and the device.
    pub runtime: Runtime,
    /// How models are served.
    pub options: ServingOptions,
    /// Where their metrics are.
    pub metrics: Arc<Metrics>,
}

impl ModelLoader {
    /// Loads a version: checks it, makes its sessions, tries each once, starts its workers. Takes as long as that
    /// takes; nothing of it belongs on an event loop.
    ///
    /// # Errors
    /// When it cannot be served or was written to meanwhile; the reason names no path.
    pub fn load(
        &self,
        name: &str,
        version: u64,
        found: &Found,
    ) -> Result<LiveModel, InferenceError> {
        let path = found.folder.join(MODEL_FILE);
        let sidecar = Sidecar::read(&found.folder)?;
        let mut batch = plan(self.runtime.device(), self.options, &sidecar);
        let session = onnx::open(&self.runtime, &path, batch.threads)?;
        let declared = onnx::declaration(&session)?;
        let manifest = Manifest::new(&declared.metadata, &sidecar)?;
        let labels = manifest.labels.len();
        let (feeding, output) = (sidecar.feeding(), sidecar.output);
        let mut signature =
            Signature::new(&declared.inputs, &declared.outputs, labels, feeding, output)?;
        batch.max_batch = signature.fixed_batch.unwrap_or(batch.max_batch);
        let first = OnnxClassifier::new(session, signature.clone(), labels, batch.max_batch)?;
        signature.kind = Some(first.kind());
        let sha256 = read_hash(&path)?;

        let opening = Opening {
            runtime: self.runtime.clone(),
            path,
            sha256: sha256.clone(),
            signature: signature.clone(),
            labels,
            threads: batch.threads,
            max_batch: batch.max_batch,
        };
        let series = self.metrics.model(name, &manifest.labels);
        let cores = match self.runtime.device() {
            Device::Cpu => Cores::of_machine(),
            Device::Cuda(_) => Cores::unlimited(),
        };
        let factory = opening.factory(first);
        let batcher = Batcher::start(name, &factory, batch, cores, series.clone())?;
        if Fingerprint::of(&found.folder).ok().as_ref() != Some(&found.fingerprint) {
            let reason = "its files changed while it was being loaded; load it again";
            return Err(InferenceError::Model(reason.to_owned()));
        }
        Ok(LiveModel {
            name: name.to_owned(),
            version,
            manifest,
            sidecar,
            signature,
            device: self.runtime.device(),
            sha256,
            fingerprint: found.fingerprint.clone(),
            metrics: series,
            batcher,
        })
    }
}

/// Whether the folder holds what the model was loaded from, though its fingerprint is another one: files were
/// touched, or written again with what they held.
///
/// # Errors
/// When its sidecar or model file cannot be read.
pub fn has_same_content(model: &LiveModel, found: &Found) -> Result<bool, InferenceError> {
    let by_content = [MODEL_FILE, super::manifest::SIDECAR];
    Ok(model.fingerprint.without(&by_content) == found.fingerprint.without(&by_content)
        && Sidecar::read(&found.folder)? == model.sidecar
        && read_hash(&found.folder.join(MODEL_FILE))? == model.sha256)
}

fn read_hash(path: &Path) -> Result<String, InferenceError> {
    hash(path).map_err(|error| InferenceError::Model(format!("{MODEL_FILE}: {error}")))
}

/// All that a further session of a version is opened with.
struct Opening {
    runtime: Runtime,
    path: PathBuf,
    sha256: String,
    signature: Signature,
    labels: usize,
    threads: usize,
    max_batch: usize,
}

impl Opening {
    /// The first worker takes the session that has been tried; the others, and a worker after a panic, open
    /// their own.
    fn factory(self, first: OnnxClassifier) -> Factory {
        let first = Mutex::new(Some(first));
        Arc::new(move || {
            let first = first.lock().unwrap_or_else(PoisonError::into_inner).take();
            match first {
                Some(first) => Ok(Box::new(first)),
                None => self.open(),
            }
        })
    }

    /// Opens and tries a session. Long after the load another file may lie there: it must not answer under this
    /// version's labels.
    fn open(&self) -> Result<Box<dyn Classifier>, InferenceError> {
        if read_hash(&self.path)? != self.sha256 {
            let reason = "its file has changed since it was loaded; load it again";
            return Err(InferenceError::Model(reason.to_owned()));
        }
        let session = onnx::open(&self.runtime, &self.path, self.threads)?;
        let signature = self.signature.clone();
        Ok(Box::new(OnnxClassifier::new(session, signature, self.labels, self.max_batch)?))
    }
}
