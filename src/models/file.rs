//! A model file: inspected once; sessions are opened from it.

use std::{
    fmt::Write,
    io,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{
    external_data::ExternalData,
    manifest::Manifest,
    regular_file,
    repository::{MODEL_FILE, hash},
    version_config::VersionConfig,
};
use crate::{
    excerpt::Excerpt,
    inference::{
        InferenceError,
        engine::Precision,
        invalid_model,
        onnx::{OnnxClassifier, Session, openvino},
        runtime::{
            Device, Runtime,
            openvino::{CompiledModel, OpenVinoError},
        },
        signature::Signature,
    },
    thread_priority::run_at_inference_priority,
};

/// Number of images of the inference call that detects the kind of the output.
const PROBE_IMAGES: usize = 2;

/// A model file that can be served, and what its inspection returned.
pub(super) struct InspectedFile {
    pub(super) file: ModelFile,
    /// The metadata of the file.
    pub(super) manifest: Manifest,
    /// The session of the inspection.
    pub(super) session: Session,
}

/// Everything that is needed to open a session of a model file.
pub(super) struct ModelFile {
    runtime: Runtime,
    path: PathBuf,
    /// SHA-256 of the file and its external data, lower-case hex.
    pub(super) sha256: String,
    /// Input and outputs of the network.
    pub(super) signature: Signature,
    /// Number of classes.
    labels: usize,
}

/// Opens a session of the model file in `directory` whose calls use `threads` cores, checks the metadata of the file and of
/// `mien.toml`, and runs the network once.
///
/// # Errors
/// Returns the reason, without paths, if the file cannot be served.
pub(super) fn inspect(
    runtime: &Runtime,
    directory: &Path,
    config: &VersionConfig,
    threads: usize,
) -> Result<InspectedFile, InferenceError> {
    let path = directory.join(MODEL_FILE);
    let sha256 = read_hash(&path)?;
    let session = open(runtime, &path, threads)?;
    check_structure(&path)?;
    let metadata = session.metadata()?;
    let manifest = Manifest::new(&metadata.properties, config)?;
    let labels = manifest.labels.len();
    let (scaling, output) = (config.input_scaling(), config.output);
    let mut signature =
        Signature::new(&metadata.inputs, &metadata.outputs, labels, scaling, output)?;
    let probe = runtime.load_priority().run(|| {
        OnnxClassifier::new(
            session,
            signature.clone(),
            labels,
            PROBE_IMAGES,
            PROBE_IMAGES,
        )
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
    Ok(InspectedFile {
        file,
        manifest,
        session,
    })
}

/// Opens a session at the priority of loads, or at inference priority if the session starts threads, because they keep the
/// priority.
fn open(runtime: &Runtime, path: &Path, threads: usize) -> Result<Session, InferenceError> {
    // ONNX Runtime would wait for the writer of a FIFO.
    regular_file::open_model(path).map_err(unreadable)?;
    let open = || Session::open(runtime, path, threads);
    if threads > 1 {
        run_at_inference_priority(open)
    } else {
        runtime.load_priority().run(open)
    }
}

/// Returns the SHA-256 of a model file and its external data in hex. Without external data this is the SHA-256 of the file.
/// Otherwise it is the SHA-256 of a text with the SHA-256 of the file and one line per external file: its SHA-256 and its
/// location, separated by a space.
///
/// # Errors
/// Returns an error without absolute paths if a file cannot be read or is outside of the directory of the model file.
pub(super) fn read_hash(path: &Path) -> Result<String, InferenceError> {
    regular_file::open_model(path).map_err(unreadable)?;
    let model = hash(path).map_err(unreadable)?;
    let external = ExternalData::of(path).map_err(unreadable)?;
    if external.locations.is_empty() {
        return Ok(model);
    }
    let files = external.paths(path.parent().unwrap_or(path))?;
    let mut text = format!("{model}\n");
    for (location, file) in external.locations.iter().zip(files) {
        let sha256 = hash(&file).map_err(|error| {
            InferenceError::Model(format!("external data `{}`: {error}", Excerpt(location)))
        })?;
        writeln!(text, "{sha256} {location}").expect("writing to a string does not fail");
    }
    Ok(hex::encode(Sha256::digest(text)))
}

fn unreadable(error: io::Error) -> InferenceError {
    InferenceError::Model(format!("{MODEL_FILE}: {error}"))
}

/// Rejects a file that ONNX Runtime can read although [`ExternalData`] cannot, because it may have external data that are not
/// part of its identity.
fn check_structure(path: &Path) -> Result<(), InferenceError> {
    match ExternalData::of(path) {
        Ok(external) if external.is_complete => Ok(()),
        _ => invalid_model(
            "its graph is nested too deeply or has too many external files, or fields that are not part of ONNX",
        ),
    }
}

impl ModelFile {
    /// Opens a session whose calls use `threads` cores.
    ///
    /// # Errors
    /// Returns an error if the file was removed or replaced by an invalid one.
    pub(super) fn session(&self, threads: usize) -> Result<Session, InferenceError> {
        open(&self.runtime, &self.path, threads)
    }

    /// Compiles the file with OpenVINO for calls that use `threads` cores.
    ///
    /// # Errors
    /// Returns the reason if OpenVINO cannot execute the file.
    pub(super) fn compile(
        &self,
        precision: Precision,
        threads: usize,
    ) -> Result<CompiledModel, OpenVinoError> {
        openvino::compile(&self.runtime, &self.path, &self.sha256, precision, threads)
    }

    /// Opens a session that OpenVINO executes.
    ///
    /// # Errors
    /// Returns an error if the file was removed or replaced by an invalid one.
    pub(super) fn compiled_session(
        &self,
        model: &CompiledModel,
    ) -> Result<Session, InferenceError> {
        regular_file::open_model(&self.path).map_err(unreadable)?;
        run_at_inference_priority(|| Session::open_compiled(&self.runtime, &self.path, model))
    }

    /// Returns a classifier that is warmed up: on a GPU with a batch of the maximum size, which allocates its memory, and on a CPU
    /// with one image, because a larger batch takes longer and does not make the first requests faster.
    ///
    /// # Errors
    /// Returns an error if the warm-up fails.
    pub(super) fn warm_up(
        &self,
        session: Session,
        max_batch: usize,
    ) -> Result<OnnxClassifier, InferenceError> {
        let signature = self.signature.clone();
        let images = match self.runtime.device() {
            Device::Cpu => 1,
            Device::Cuda(_) => max_batch,
        };
        // OpenVINO starts threads at the first call, which keep the priority.
        let starts_threads = session.compiles_batch_sizes();
        let warm_up = || OnnxClassifier::new(session, signature, self.labels, max_batch, images);
        if starts_threads {
            run_at_inference_priority(warm_up)
        } else {
            self.runtime.load_priority().run(warm_up)
        }
    }

    /// Returns a classifier that is not warmed up, for measurements.
    pub(super) fn without_warm_up(&self, session: Session, max_batch: usize) -> OnnxClassifier {
        OnnxClassifier::without_warm_up(session, self.signature.clone(), self.labels, max_batch)
    }

    /// Checks that the file was not replaced after its inspection, because the labels of this version may not apply to
    /// another file.
    ///
    /// # Errors
    /// Returns an error if the file has changed or cannot be read.
    pub(super) fn check_unchanged(&self) -> Result<(), InferenceError> {
        if read_hash(&self.path)? == self.sha256 {
            return Ok(());
        }
        invalid_model("its file has changed since it was loaded; load the model again")
    }
}
