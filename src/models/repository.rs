//! The models folder: `<name>/<version>/model.onnx`, version a positive integer.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use sha2::{Digest, Sha256};

use super::{
    manifest::{Manifest, Sidecar},
    registry::LiveModel,
};
use crate::{
    batching::{BatchOptions, Batcher, Cores},
    inference::{
        Classifier, InferenceError,
        onnx::{self, OnnxClassifier},
        runtime::{Device, Runtime},
        signature::Signature,
    },
    metrics::Metrics,
    tuning::{
        Subject, Tuner,
        space::{Configuration, Given, Layout},
    },
};

/// The file that makes a folder a version.
const MODEL_FILE: &str = "model.onnx";

/// Images of the run that finds out what the output holds.
const PROBE_IMAGES: usize = 2;

/// How models are served where their sidecar says nothing else. `None` is chosen by the tuner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServingOptions {
    /// The queue, and the batch where it is given.
    pub queue_images: usize,
    /// The most images of one run.
    pub max_batch: Option<usize>,
    /// How long a worker waits for a batch to fill up.
    pub max_delay: std::time::Duration,
    /// Sessions of each model.
    pub instances: Option<usize>,
    /// Cores that one run uses.
    pub threads: Option<usize>,
}

/// The versions that a models folder holds: name -> version -> folder.
pub type Listing = BTreeMap<String, BTreeMap<u64, PathBuf>>;

/// Lists the versions below a models folder. Anything of another shape is passed over.
///
/// # Errors
/// When the folder cannot be read.
pub fn list(root: &Path) -> io::Result<Listing> {
    let mut models = Listing::new();
    for (name, folder) in subfolders(root)? {
        let mut versions = BTreeMap::new();
        for (version, folder) in subfolders(&folder)? {
            let Some(number) = parse_version(&version) else { continue };
            if folder.join(MODEL_FILE).is_file() {
                versions.insert(number, folder);
            }
        }
        if !versions.is_empty() {
            models.insert(name, versions);
        }
    }
    Ok(models)
}

/// A version number: positive, decimal, no sign, no leading zero.
pub fn parse_version(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number > 0 && number.to_string() == text).then_some(number)
}

/// Loads a version: checks it, tunes it, makes its sessions, tries each once, starts its workers.
///
/// # Errors
/// When it cannot be served; the reason names no path.
pub fn load(
    runtime: &Runtime,
    metrics: &Metrics,
    tuner: &Tuner,
    options: ServingOptions,
    name: &str,
    version: u64,
    folder: &Path,
) -> Result<LiveModel, InferenceError> {
    let path = folder.join(MODEL_FILE);
    let sidecar = Sidecar::read(folder)?;
    let sha256 = hash(&path).map_err(|e| InferenceError::Model(format!("{MODEL_FILE}: {e}")))?;
    let given = given(options, &sidecar);
    let threads = given.threads.unwrap_or(1);
    let session = onnx::open(runtime, &path, threads)?;
    let declared = onnx::declaration(&session)?;
    let manifest = Manifest::new(&declared.metadata, &sidecar)?;
    let labels = manifest.labels.len();
    let mut signature = Signature::new(
        &declared.inputs,
        &declared.outputs,
        labels,
        sidecar.feeding(),
        sidecar.output,
    )?;
    let probe = OnnxClassifier::new(session, signature.clone(), labels, PROBE_IMAGES)?;
    signature.kind = Some(probe.kind());
    let tuning = tuner.tune(
        &Subject {
            name,
            sha256: &sha256,
            runtime,
            side: signature.side,
            fixed_batch: signature.fixed_batch,
            open: &|threads, max_batch| {
                let session = onnx::open(runtime, &path, threads)?;
                let classifier =
                    OnnxClassifier::untried(session, signature.clone(), labels, max_batch);
                Ok(Box::new(classifier))
            },
        },
        given,
    );
    let batch = batch_options(options, tuning.configuration);
    let session = match probe.into_session() {
        session if batch.threads == threads => session,
        _ => onnx::open(runtime, &path, batch.threads)?,
    };
    let first = OnnxClassifier::new(session, signature.clone(), labels, batch.max_batch)?;

    // The first worker takes the session that has been tried; the others, and a worker after a panic, open their own.
    let first = Mutex::new(Some(first));
    let (device, runtime, copy) = (runtime.device(), runtime.clone(), signature.clone());
    let file = path.clone();
    let factory = move || -> Result<Box<dyn Classifier>, InferenceError> {
        if let Some(first) = first.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Ok(Box::new(first));
        }
        let session = onnx::open(&runtime, &file, batch.threads)?;
        Ok(Box::new(OnnxClassifier::new(session, copy.clone(), labels, batch.max_batch)?))
    };
    let series = metrics.model(name, &manifest.labels);
    let cores = match device {
        Device::Cpu => Cores::of_machine(),
        Device::Cuda(_) => Cores::unlimited(),
    };
    let batcher = Batcher::start(name, &(Arc::new(factory) as _), batch, cores, series.clone())?;
    Ok(LiveModel {
        name: name.to_owned(),
        version,
        manifest,
        signature,
        device,
        tuning,
        sha256,
        metrics: series,
        batcher,
    })
}

/// What the sidecar says, and where it says nothing the settings.
fn given(options: ServingOptions, sidecar: &Sidecar) -> Given {
    Given {
        instances: sidecar.instances.or(options.instances),
        threads: sidecar.threads.or(options.threads),
        max_batch: sidecar.max_batch.or(options.max_batch),
    }
}

fn batch_options(options: ServingOptions, configuration: Configuration) -> BatchOptions {
    let ServingOptions { queue_images, max_delay, .. } = options;
    let Configuration { layout: Layout { instances, threads }, max_batch } = configuration;
    BatchOptions { queue_images, max_batch, max_delay, instances, threads }
}

fn subfolders(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(name) = name.filter(|name| !name.starts_with('.') && path.is_dir()) {
            folders.push((name.to_owned(), path));
        }
    }
    Ok(folders)
}

/// SHA-256 of a file, in lower-case hex.
fn hash(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path)?, &mut HashWriter(&mut hasher))?;
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn lists_versions_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        for path in ["a/1", "a/10", "a/02", "a/latest", "b/0", "c", ".git/1"] {
            let folder = root.path().join(path);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(MODEL_FILE), "").unwrap();
        }
        fs::create_dir_all(root.path().join("a/3")).unwrap();
        fs::write(root.path().join("README.md"), "").unwrap();
        let models = list(root.path()).unwrap();
        let versions: Vec<_> = models["a"].keys().copied().collect();
        assert_eq!((models.len(), versions), (1, vec![1, 10]));
    }

    #[test]
    fn the_sidecar_overrides_the_settings() {
        let options = ServingOptions {
            queue_images: 64,
            max_batch: Some(16),
            max_delay: Duration::ZERO,
            instances: None,
            threads: None,
        };
        let sidecar: Sidecar = "instances = 3\nmax_batch = 4".parse().unwrap();
        let both = Given { instances: Some(3), threads: None, max_batch: Some(4) };
        assert_eq!(given(options, &sidecar), both);
        let alone = Given { instances: None, threads: None, max_batch: Some(16) };
        assert_eq!(given(options, &Sidecar::default()), alone);
    }
}
