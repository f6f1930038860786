//! Sessions that OpenVINO executes.

mod blobs;
mod trial;

use std::{fs, path::Path};

use mien_onnx::with_reduction_axes_as_input;
use ort::session::builder::SessionBuilder;

use self::blobs::BlobCache;
use super::{Session, message::without_path, session::Provider};
use crate::inference::{
    InferenceError,
    engine::Precision,
    runtime::{
        Runtime,
        openvino::{
            CompiledModel, OpenVinoError,
            check::{Check, ModelCheck},
        },
    },
};

/// Maximum number of images per call. OpenVINO compiles kernels at the first call with each batch size, so the warm-up runs all
/// sizes up to this one. Larger batches are divided.
pub(super) const MAX_BATCH: usize = 8;

/// Compiles a model file for calls that use `threads` cores, in a process of its own if the runtime has a program for that.
/// `sha256` identifies the file.
///
/// # Errors
/// Returns the reason if the plugin cannot be used or does not support the model.
pub fn compile(
    runtime: &Runtime,
    path: &Path,
    sha256: &str,
    precision: Precision,
    threads: usize,
) -> Result<CompiledModel, OpenVinoError> {
    let plugin = runtime.openvino_plugin()?;
    let version = runtime.openvino_version().unwrap_or_default();
    let compile = |blobs: Option<&Path>| {
        let check = Check {
            plugin: plugin.to_owned(),
            model: Some(ModelCheck {
                path: path.to_owned(),
                precision,
                threads,
                blobs: blobs.map(Path::to_owned),
            }),
        };
        match runtime.openvino().program() {
            Some(program) => check.run_in_process(program, runtime.load_priority()),
            None => run(runtime, &check),
        }
    };
    let blobs = match runtime.openvino().cache() {
        Some(directory) => {
            let processor = mien_host::cpu::fingerprint();
            let key = [
                sha256,
                &version,
                &processor,
                precision.name(),
                &threads.to_string(),
            ];
            BlobCache::new(directory).get(&key, compile)?
        }
        None => {
            compile(None)?;
            None
        }
    };
    Ok(CompiledModel {
        precision,
        threads,
        blobs,
    })
}

/// Runs a check in this process. The runtime must use the plugin of the check.
///
/// # Errors
/// Returns the reason if the plugin cannot be used or does not support the model.
pub fn run(runtime: &Runtime, check: &Check) -> Result<(), OpenVinoError> {
    runtime.openvino_plugin()?;
    let Some(ModelCheck {
        path,
        precision,
        threads,
        blobs,
    }) = &check.model
    else {
        return Ok(());
    };
    let model = CompiledModel {
        precision: *precision,
        threads: *threads,
        blobs: blobs.clone(),
    };
    let session = Session::open_compiled(runtime, path, &model);
    session
        .and_then(|mut session| session.run_zeros())
        .map_err(|error| OpenVinoError::Model(error.to_string()))
}

impl Session {
    /// Opens a model file that OpenVINO has compiled.
    ///
    /// # Errors
    /// Returns an error if OpenVINO cannot execute the file, or does not load it within the time limit.
    pub fn open_compiled(
        runtime: &Runtime,
        path: &Path,
        model: &CompiledModel,
    ) -> Result<Self, InferenceError> {
        let converted = fs::read(path)
            .ok()
            .and_then(|model| with_reduction_axes_as_input(&model));
        let open = |builder: &mut SessionBuilder| {
            let session = match &converted {
                Some(model) => builder.commit_from_memory(model)?,
                None => builder.commit_from_file(path)?,
            };
            Ok((session, false))
        };
        Self::build(runtime, Provider::OpenVino(model), open, |message| {
            without_path(message, path)
        })
    }
}
