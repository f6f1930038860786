//! A model file: examined once, its sessions opened from it.

use std::path::{Path, PathBuf};

use super::{
    manifest::Manifest,
    repository::{MODEL_FILE, hash},
    sidecar::Sidecar,
};
use crate::{
    inference::{
        InferenceError, invalid_model,
        onnx::{OnnxClassifier, Session},
        runtime::Runtime,
        signature::Signature,
    },
    thread_priority::{run_at_background_priority, run_at_inference_priority},
};

/// Images of the run that finds out what the output holds.
const PROBE_IMAGES: usize = 2;

/// A model file that can be served.
pub(super) struct Examined {
    pub(super) file: ModelFile,
    /// What the file says about itself.
    pub(super) manifest: Manifest,
    /// The session that it was examined with.
    pub(super) session: Session,
}

/// All that a session of a model file is opened with.
pub(super) struct ModelFile {
    runtime: Runtime,
    path: PathBuf,
    /// SHA-256, lower-case hex.
    pub(super) sha256: String,
    /// How the network is fed and read.
    pub(super) signature: Signature,
    labels: usize,
}

/// Opens a session of the model file in `folder` whose runs use `threads` cores, checks what file and sidecar say about it
/// and tries it once.
///
/// # Errors
/// When the file cannot be served; the reason names no path.
pub(super) fn examine(
    runtime: &Runtime,
    folder: &Path,
    sidecar: &Sidecar,
    threads: usize,
) -> Result<Examined, InferenceError> {
    let path = folder.join(MODEL_FILE);
    let sha256 = read_hash(&path)?;
    let session = open(runtime, &path, threads)?;
    let declared = session.metadata()?;
    let manifest = Manifest::new(&declared.properties, sidecar)?;
    let labels = manifest.labels.len();
    let (feeding, output) = (sidecar.feeding(), sidecar.output);
    let mut signature =
        Signature::new(&declared.inputs, &declared.outputs, labels, feeding, output)?;
    let probe = run_at_background_priority(|| {
        OnnxClassifier::new(session, signature.clone(), labels, PROBE_IMAGES)
    })?;
    signature.kind = Some(probe.kind());
    let session = probe.into_session();
    let file = ModelFile {
        runtime: runtime.clone(),
        path,
        sha256,
        signature,
        labels,
    };
    Ok(Examined {
        file,
        manifest,
        session,
    })
}

/// Opens a session at background priority, or at inference priority if it starts threads, which keep the priority.
fn open(runtime: &Runtime, path: &Path, threads: usize) -> Result<Session, InferenceError> {
    let open = || Session::open(runtime, path, threads);
    if threads > 1 {
        run_at_inference_priority(open)
    } else {
        run_at_background_priority(open)
    }
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
    /// When the file is gone or no longer a model.
    pub(super) fn session(&self, threads: usize) -> Result<Session, InferenceError> {
        open(&self.runtime, &self.path, threads)
    }

    /// Returns a classifier of a session, tried with as many images as it will ever run at once.
    ///
    /// # Errors
    /// When the trial fails.
    pub(super) fn try_out(
        &self,
        session: Session,
        max_batch: usize,
    ) -> Result<OnnxClassifier, InferenceError> {
        let signature = self.signature.clone();
        run_at_background_priority(|| {
            OnnxClassifier::new(session, signature, self.labels, max_batch)
        })
    }

    /// Returns a classifier of a session that has not run yet: for measurements.
    pub(super) fn untried(&self, session: Session, max_batch: usize) -> OnnxClassifier {
        OnnxClassifier::without_warm_up(session, self.signature.clone(), self.labels, max_batch)
    }

    /// Checks that the file is still the one that was examined. Long after the load another file may lie there: it must
    /// not answer under this version's labels.
    ///
    /// # Errors
    /// When the file has changed or cannot be read.
    pub(super) fn check_unchanged(&self) -> Result<(), InferenceError> {
        if read_hash(&self.path)? == self.sha256 {
            return Ok(());
        }
        invalid_model("its file has changed since it was loaded; load it again")
    }
}
