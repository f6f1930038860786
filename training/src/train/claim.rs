//! One process at a time trains in a run's folder: two would replace each other's checkpoint.

use std::{
    fs::{File, TryLockError},
    io::ErrorKind,
    path::Path,
};

use super::run::RunError;

/// The file in the run's folder that is locked.
const FILE_NAME: &str = "lock";

/// A run's folder, held until this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct Claim {
    _locked: File,
}

impl Claim {
    /// Takes the folder.
    ///
    /// # Errors
    /// Where another process has it, or the folder cannot be written. A file system without locks passes.
    pub fn take(folder: &Path) -> Result<Self, RunError> {
        let path = folder.join(FILE_NAME);
        let io = |source| RunError::Io { path: path.clone(), source };
        let file = File::create(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _locked: file }),
            Err(TryLockError::WouldBlock) => Err(RunError::Busy(folder.to_owned())),
            Err(TryLockError::Error(e)) if e.kind() == ErrorKind::Unsupported => {
                Ok(Self { _locked: file })
            }
            Err(TryLockError::Error(source)) => Err(io(source)),
        }
    }
}
