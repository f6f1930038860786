//! One process at a time trains in a run's folder: two would replace each other's checkpoint.

use std::{fs::File, path::Path};

use mien_host::{
    atomic_file,
    lock_file::{LockError, LockFile},
};

use super::run::RunError;

/// The file in the run's folder that is locked.
const FILE_NAME: &str = "lock";

/// A run's folder, held until this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct Claim {
    _locked: Option<LockFile>,
}

impl Claim {
    /// Takes the folder and deletes the partial files that a killed process left in it.
    ///
    /// # Errors
    /// Where another process has it, or the folder cannot be written. A file system without locks passes.
    pub fn take(folder: &Path) -> Result<Self, RunError> {
        let path = folder.join(FILE_NAME);
        let io = |source| RunError::Io {
            path: path.clone(),
            source,
        };
        let file = File::create(&path).map_err(io)?;
        let locked = match LockFile::acquire(file) {
            Ok(lock) => Some(lock),
            Err(LockError::Held) => return Err(RunError::Busy(folder.to_owned())),
            Err(LockError::Unsupported) => None,
            Err(LockError::Io(source)) => return Err(io(source)),
        };
        atomic_file::remove_partial_files(folder).map_err(io)?;
        Ok(Self { _locked: locked })
    }
}
