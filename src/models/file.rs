//! A version's file: examined once, its sessions opened from it.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    manifest::{Manifest, Sidecar},
    repository::{Found, MODEL_FILE, hash},
};
use crate::{
    batching::{BatchOptions, Factory},
    inference::{
        InferenceError,
        onnx::{OnnxClassifier, Session},
        runtime::Runtime,
        signature::Signature,
    },
    thread_priority::{run_at_background_priority, run_at_inference_priority},
};

/// Images of the run that finds out what the output holds.
const PROBE_IMAGES: usize = 2;

/// What a version turned out to be.
pub struct Examined {
    /// Its file.
    pub file: ModelFile,
    /// What the file says about itself.
    pub manifest: Manifest,
    /// What stands beside it.
    pub sidecar: Sidecar,
    /// The session that it was examined with.
    pub session: Session,
}

/// All that a session of a version is opened with.
pub struct ModelFile {
    runtime: Runtime,
    path: PathBuf,
    /// SHA-256, lower-case hex.
    pub sha256: String,
    /// How it is fed and read.
    pub signature: Signature,
    labels: usize,
}

/// Opens a session whose runs use `threads` cores, checks what file and sidecar say about it and tries it once.
///
/// # Errors
/// When it cannot be served; the reason names no path.
pub fn examine(
    runtime: &Runtime,
    found: &Found,
    sidecar: Sidecar,
    threads: usize,
) -> Result<Examined, InferenceError> {
    let path = found.folder.join(MODEL_FILE);
    let sha256 = read_hash(&path)?;
    let session = open(runtime, &path, threads)?;
    let declared = session.declaration()?;
    let manifest = Manifest::new(&declared.metadata, &sidecar)?;
    let labels = manifest.labels.len();
    let (feeding, output) = (sidecar.feeding(), sidecar.output);
    let mut signature =
        Signature::new(&declared.inputs, &declared.outputs, labels, feeding, output)?;
    let probe = run_at_background_priority(|| {
        OnnxClassifier::new(session, signature.clone(), labels, PROBE_IMAGES)
    })?;
    signature.kind = Some(probe.kind());
    let session = probe.into_session();
    let file = ModelFile { runtime: runtime.clone(), path, sha256, signature, labels };
    Ok(Examined { file, manifest, sidecar, session })
}

/// Opens a session aside, or where it has threads of its own, with the rank that they keep: that of runs.
fn open(runtime: &Runtime, path: &Path, threads: usize) -> Result<Session, InferenceError> {
    let open = || Session::open(runtime, path, threads);
    if threads > 1 { run_at_inference_priority(open) } else { run_at_background_priority(open) }
}

/// SHA-256 of a model file, in hex.
///
/// # Errors
/// When it cannot be read.
pub(super) fn read_hash(path: &Path) -> Result<String, InferenceError> {
    hash(path).map_err(|error| InferenceError::Model(format!("{MODEL_FILE}: {error}")))
}

impl ModelFile {
    /// Opens a session whose runs use `threads` cores.
    ///
    /// # Errors
    /// When the file is gone or no model any more.
    pub fn session(&self, threads: usize) -> Result<Session, InferenceError> {
        open(&self.runtime, &self.path, threads)
    }

    /// A classifier of a session, tried with as many images as it will ever run at once.
    ///
    /// # Errors
    /// When the trial fails.
    pub fn try_out(
        &self,
        session: Session,
        max_batch: usize,
    ) -> Result<OnnxClassifier, InferenceError> {
        let signature = self.signature.clone();
        run_at_background_priority(|| {
            OnnxClassifier::new(session, signature, self.labels, max_batch)
        })
    }

    /// A classifier of a new session that has not run yet: for measurements.
    ///
    /// # Errors
    /// When the file is gone or no model any more.
    pub fn open_untried(
        &self,
        threads: usize,
        max_batch: usize,
    ) -> Result<OnnxClassifier, InferenceError> {
        let session = self.session(threads)?;
        Ok(OnnxClassifier::untried(session, self.signature.clone(), self.labels, max_batch))
    }

    /// What makes the workers' classifiers. The first worker takes the one that has been tried; the others, and a worker
    /// after a panic, open their own.
    pub(super) fn factory(self, first: OnnxClassifier, batch: BatchOptions) -> Factory {
        let first = Mutex::new(Some(first));
        Arc::new(move || {
            let first = first.lock().unwrap_or_else(PoisonError::into_inner).take();
            Ok(Box::new(match first {
                Some(first) => first,
                None => self.open_again(batch)?,
            }))
        })
    }

    /// Opens and tries a session. Long after the load another file may lie there: it must not answer under this
    /// version's labels.
    fn open_again(&self, batch: BatchOptions) -> Result<OnnxClassifier, InferenceError> {
        if read_hash(&self.path)? != self.sha256 {
            let reason = "its file has changed since it was loaded; load it again";
            return Err(InferenceError::Model(reason.to_owned()));
        }
        self.try_out(self.session(batch.intra_op_threads)?, batch.max_batch)
    }
}
