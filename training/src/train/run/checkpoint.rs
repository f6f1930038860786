//! Checkpoints: one file with the whole state of a run, replaced atomically.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

use mien_host::atomic_file::AtomicFile;
use safetensors::SafeTensorError;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tch::{Device, Kind, TchError, Tensor};

use super::history::EpochRow;
use crate::{
    arch::graph::Graph,
    torch::weights::{Weights, WeightsError},
    train::trainer::{ema::Ema, optimizer::Optimizer},
};

mod error;

pub use error::CheckpointError;

/// The file's name in the run's folder.
pub const FILE_NAME: &str = "checkpoint.safetensors";

/// Name of the tensor whose bytes are the JSON of [`State`]. One file contains everything, so that replacing it is atomic.
const STATE: &str = "state.json";

/// Progress of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Finished epochs.
    pub epoch: usize,
    /// Finished steps of the current epoch.
    pub step: usize,
    /// Steps since the start of the run.
    pub total_steps: usize,
    /// Sum of the losses of the current epoch's faces so far.
    pub loss_sum: f64,
    /// Correctly classified faces of the current epoch so far.
    pub correct: i64,
    /// Faces of the current epoch so far.
    pub seen: usize,
    /// Training time of the current epoch so far in seconds. It includes waiting for batches.
    pub seconds: f64,
    /// Part of `seconds` that was spent waiting for the next batch.
    #[serde(default)]
    pub waited: f64,
    /// Metrics of the finished epochs.
    pub history: Vec<EpochRow>,
}

/// Writes a checkpoint atomically. If the process dies, the folder contains either the old or the new checkpoint.
///
/// # Errors
/// Returns an error if the file cannot be written. The old checkpoint stays.
pub fn save(
    folder: &Path,
    state: &State,
    weights: &Weights,
    optimizer: &Optimizer,
    ema: &Ema,
) -> Result<(), CheckpointError> {
    let path = folder.join(FILE_NAME);
    let json = serde_json::to_vec(state).map_err(|e| CheckpointError::State {
        path: path.clone(),
        detail: e.to_string(),
    })?;
    let mut tensors = vec![(STATE.to_owned(), Tensor::from_slice(&json))];
    let mut add = |kind: &str, name: &str, tensor: &Tensor| {
        let plain = tensor.detach().to_device(Device::Cpu).contiguous();
        tensors.push((format!("{kind}/{name}"), plain));
    };
    weights.iter().for_each(|(p, t)| add("weights", &p.name, t));
    optimizer
        .state(weights)
        .for_each(|(kind, name, t)| add(kind, name, t));
    ema.weights()
        .iter()
        .for_each(|(p, t)| add("ema", &p.name, t));

    replace(&path, &tensors)
}

/// Replaces the file at `path` with the tensors.
fn replace(path: &Path, tensors: &[(String, Tensor)]) -> Result<(), CheckpointError> {
    let io = |source| not_written(path, source);
    let file = AtomicFile::create(path).map_err(io)?;
    Tensor::write_safetensors(tensors, file.temp_path()).map_err(|error| {
        if let TchError::SafeTensorError {
            err: SafeTensorError::IoError(source),
            ..
        } = error
        {
            return io(source);
        }
        CheckpointError::Tensors {
            path: path.to_owned(),
            source: error,
        }
    })?;
    file.commit().map_err(io)
}

fn not_written(path: &Path, source: io::Error) -> CheckpointError {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    let path = path.to_owned();
    if [FileTooLarge, QuotaExceeded, StorageFull].contains(&source.kind()) {
        CheckpointError::Full { path, source }
    } else {
        CheckpointError::Io { path, source }
    }
}

/// Returns the SHA-256 of a run's checkpoint as 64 hex digits.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub fn sha256(folder: &Path) -> Result<String, CheckpointError> {
    let path = folder.join(FILE_NAME);
    let bytes = fs::read(&path).map_err(|source| CheckpointError::Io { path, source })?;
    Ok(hex::encode(Sha256::digest(&bytes)))
}

/// A checkpoint: the progress of the run, and its tensors by kind and name.
#[derive(Debug)]
pub struct Checkpoint {
    /// Progress of the run.
    pub state: State,
    path: PathBuf,
    tensors: HashMap<String, Tensor>,
}

impl Checkpoint {
    /// Reads the checkpoint of a run's folder. Returns `None` if the run has not written one.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or is not a checkpoint.
    pub fn read(folder: &Path) -> Result<Option<Self>, CheckpointError> {
        let path = folder.join(FILE_NAME);
        if !path.exists() {
            return Ok(None);
        }
        let tensors =
            Tensor::read_safetensors(&path).map_err(|source| CheckpointError::Tensors {
                path: path.clone(),
                source,
            })?;
        let tensors: HashMap<String, Tensor> = tensors.into_iter().collect();
        let invalid = |detail: String| CheckpointError::State {
            path: path.clone(),
            detail,
        };
        let json = tensors
            .get(STATE)
            .filter(|t| t.kind() == Kind::Uint8)
            .ok_or_else(|| invalid(format!("`{STATE}` is missing")))?;
        let mut bytes = vec![0u8; json.numel()];
        json.copy_data_u8(&mut bytes, json.numel());
        let state = serde_json::from_slice(&bytes).map_err(|e| invalid(e.to_string()))?;
        Ok(Some(Self {
            state,
            path,
            tensors,
        }))
    }

    /// Returns the weights after the optimiser's last step.
    ///
    /// # Errors
    /// Returns an error if a parameter is missing or has another shape.
    pub fn weights(&self, graph: &Graph, device: Device) -> Result<Weights, WeightsError> {
        Weights::from_named(graph, &self.named("weights"), device)
    }

    /// Returns the averaged weights, which are evaluated and exported.
    ///
    /// # Errors
    /// Returns the errors of [`Self::weights`].
    pub fn averaged(&self, graph: &Graph, device: Device) -> Result<Weights, WeightsError> {
        Weights::from_named(graph, &self.named("ema"), device)
    }

    /// Returns the tensors of a kind by parameter name.
    fn named(&self, kind: &str) -> HashMap<String, Tensor> {
        let of_kind = |(key, tensor): (&String, &Tensor)| {
            let (found, name) = key.split_once('/')?;
            (found == kind).then(|| (name.to_owned(), tensor.shallow_clone()))
        };
        self.tensors.iter().filter_map(of_kind).collect()
    }

    /// Restores the state of the optimiser.
    ///
    /// # Errors
    /// Returns an error if a tensor is missing, because the checkpoint belongs to a run with another optimiser.
    pub fn restore_optimizer(
        &self,
        weights: &Weights,
        optimizer: &mut Optimizer,
    ) -> Result<(), CheckpointError> {
        let saved = |key: &str| self.tensors.get(key).map(Tensor::shallow_clone);
        optimizer
            .restore(weights, saved)
            .map_err(|key| CheckpointError::State {
                path: self.path.clone(),
                detail: format!("`{key}` is missing; was `optimizer` changed in recipe.toml?"),
            })
    }
}
