//! Measured engines on disk, so that the next start does not measure them again.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use mien_host::{atomic_file, cpu};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{decisions::Decision, report::EngineReport};
use crate::inference::{
    engine::{Execution, ExecutionChoice},
    runtime::Runtime,
};

/// Version of the file format and of the measurement.
const FORMAT: u32 = 1;

/// Identifies a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    format: u32,
    /// SHA-256 of the model file, hex.
    model: String,
    /// The requested device and precision.
    choice: String,
    /// Build of ONNX Runtime.
    runtime: String,
    /// Version of the OpenVINO plugin, if there is one.
    plugin: Option<String>,
    /// Model of the processor.
    cpu: String,
    /// Number of cores that the process may use.
    cores: usize,
}

impl Key {
    pub(super) fn new(sha256: &str, choice: ExecutionChoice, runtime: &Runtime) -> Self {
        Self {
            format: FORMAT,
            model: sha256.to_owned(),
            choice: format!("{choice:?}"),
            runtime: runtime.variant(),
            plugin: runtime.openvino_version(),
            cpu: cpu::fingerprint(),
            cores: cpu::available_cores(),
        }
    }

    /// Returns a file name that is unique to this key.
    fn file_name(&self) -> String {
        let json = serde_json::to_vec(self).expect("a key is plain data");
        format!("engine-{}.json", hex::encode(Sha256::digest(json)))
    }
}

/// Content of a file.
#[derive(Serialize, Deserialize)]
struct Entry {
    key: Key,
    execution: Execution,
    reports: Vec<EngineReport>,
}

/// A directory of decisions. If it is not usable, engines are measured again at the next start.
pub(super) struct StoredDecisions(Option<PathBuf>);

impl StoredDecisions {
    pub(super) fn new(directory: Option<PathBuf>) -> Self {
        Self(directory)
    }

    /// Returns the stored decision if it exists and is valid.
    pub(super) fn read(&self, key: &Key) -> Option<Decision> {
        let text = fs::read(self.0.as_ref()?.join(key.file_name())).ok()?;
        let entry: Entry = serde_json::from_slice(&text).ok()?;
        (entry.key == *key).then_some(Decision {
            execution: entry.execution,
            reports: entry.reports,
        })
    }

    /// Stores a decision and logs a warning if that fails.
    pub(super) fn write(&self, key: &Key, decision: &Decision) {
        let Some(directory) = &self.0 else { return };
        if let Err(error) = replace(directory, key, decision) {
            tracing::warn!(
                directory = %directory.display(),
                %error,
                "cannot store the selected engine; the next start measures the engines again"
            );
        }
    }
}

fn replace(directory: &Path, key: &Key, decision: &Decision) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let Decision { execution, reports } = decision.clone();
    let path = directory.join(key.file_name());
    let key = key.clone();
    let entry = Entry {
        key,
        execution,
        reports,
    };
    atomic_file::write(&path, &serde_json::to_vec_pretty(&entry)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::engine::Precision;

    fn key(model: &str) -> Key {
        Key {
            format: FORMAT,
            model: model.to_owned(),
            choice: "auto".to_owned(),
            runtime: "1".to_owned(),
            plugin: None,
            cpu: "cpu".to_owned(),
            cores: 2,
        }
    }

    fn decision() -> Decision {
        let execution = Execution::openvino(Precision::Bf16);
        Decision {
            execution,
            reports: vec![EngineReport::new(execution)],
        }
    }

    #[test]
    fn decision_is_read_only_for_its_own_key() {
        let directory = tempfile::tempdir().unwrap();
        let stored = StoredDecisions::new(Some(directory.path().join("new")));
        assert_eq!(stored.read(&key("a")), None);
        stored.write(&key("a"), &decision());
        assert_eq!(stored.read(&key("a")), Some(decision()));
        assert_eq!(stored.read(&key("b")), None);
    }

    #[test]
    fn damaged_decision_is_ignored() {
        let directory = tempfile::tempdir().unwrap();
        let stored = StoredDecisions::new(Some(directory.path().to_owned()));
        let path = directory.path().join(key("a").file_name());
        fs::write(&path, "{").unwrap();
        assert_eq!(stored.read(&key("a")), None);
        stored.write(&key("b"), &decision());
        fs::rename(directory.path().join(key("b").file_name()), &path).unwrap();
        assert_eq!(stored.read(&key("a")), None, "of another key");
        stored.write(&key("a"), &decision());
        assert_eq!(stored.read(&key("a")), Some(decision()));
    }
}
