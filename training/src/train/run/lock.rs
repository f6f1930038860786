//! The lock of a run's folder. Only one process may train in a folder, because two would replace each other's checkpoint.

use std::{fs::File, path::Path};

use mien_host::{
    atomic_file,
    lock_file::{LockError, LockFile},
};

use super::error::RunError;

/// Name of the lock file in the run's folder.
const FILE_NAME: &str = "lock";

/// Holds the lock of a run's folder until it is dropped or the process ends.
#[derive(Debug)]
pub struct RunLock {
    /// `None` on file systems without locks.
    _file: Option<LockFile>,
}

impl RunLock {
    /// Locks the folder and deletes the partial files of a killed process. On a file system without locks the folder stays
    /// unlocked.
    ///
    /// # Errors
    /// Returns an error if another process holds the lock, or the folder cannot be written.
    pub fn acquire(folder: &Path) -> Result<Self, RunError> {
        let path = folder.join(FILE_NAME);
        let io = |source| RunError::Io {
            path: path.clone(),
            source,
        };
        let file = File::create(&path).map_err(io)?;
        let file = match LockFile::acquire(file) {
            Ok(lock) => Some(lock),
            Err(LockError::Held) => return Err(RunError::Busy(folder.to_owned())),
            Err(LockError::Unsupported) => None,
            Err(LockError::Io(source)) => return Err(io(source)),
        };
        atomic_file::remove_partial_files(folder).map_err(io)?;
        Ok(Self { _file: file })
    }
}
