//! Files that a run depends on.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::checkpoint;

/// A model file or another run that a run depends on, with its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// The model file or the run's folder, as the recipe names it.
    pub path: PathBuf,
    /// SHA-256 of the model file or the run's checkpoint.
    pub sha256: String,
}

impl SourceFile {
    /// Returns the digest of the model file, or of the checkpoint of the run, at `path`. `bytes` is its content.
    pub fn of(path: &Path, bytes: &[u8]) -> Self {
        Self {
            path: path.to_owned(),
            sha256: hex::encode(Sha256::digest(bytes)),
        }
    }

    /// Returns whether the model file or the run's checkpoint exists with other contents.
    pub fn has_changed(&self) -> bool {
        let checkpoint = self.path.join(checkpoint::FILE_NAME);
        let file = if self.path.is_dir() {
            &checkpoint
        } else {
            &self.path
        };
        fs::read(file).is_ok_and(|bytes| hex::encode(Sha256::digest(&bytes)) != self.sha256)
    }
}
