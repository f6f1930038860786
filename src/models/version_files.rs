//! The files that a version is loaded from: those in the repository, or verified copies.

use std::{path::PathBuf, sync::Arc};

use tempfile::TempDir;

use super::repository::{Repository, VersionDir};

/// The files that a version is loaded from.
pub struct VersionFiles {
    /// The directory of the version.
    pub(super) path: PathBuf,
    /// The repository of the members of an ensemble.
    pub(super) repository: Arc<Repository>,
    /// The directory of the copies, which is removed when the last value is dropped.
    copies: Option<Arc<TempDir>>,
}

impl VersionFiles {
    /// Returns files that were copied into a temporary directory.
    pub(super) fn copied(repository: Arc<Repository>, path: PathBuf, directory: TempDir) -> Self {
        Self {
            path,
            repository,
            copies: Some(Arc::new(directory)),
        }
    }

    /// Returns the directory of the copies, if the files are copies. They exist while the returned value exists.
    pub(super) fn copies(&self) -> Option<Arc<TempDir>> {
        self.copies.clone()
    }

    /// Returns the path of a file of the version.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl From<&VersionDir> for VersionFiles {
    fn from(dir: &VersionDir) -> Self {
        Self {
            path: dir.path.clone(),
            repository: Arc::clone(&dir.repository),
            copies: None,
        }
    }
}
