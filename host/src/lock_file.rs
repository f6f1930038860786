//! Exclusive use of a directory by one process.

use std::{
    fs::{File, TryLockError},
    io,
};

/// Why a lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds the lock.
    #[error("another process holds the lock")]
    Held,
    /// The file system does not support locks.
    #[error("the file system does not support locks")]
    Unsupported,
    /// The operating system reported another error.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// An exclusive lock. It is released when the value is dropped, and when the process exits or is killed.
#[derive(Debug)]
pub struct LockFile {
    file: File,
}

impl LockFile {
    /// Locks a file without waiting.
    ///
    /// The caller opens the file, because the permissions of a new lock file depend on its directory.
    ///
    /// # Errors
    /// Returns [`LockError::Held`] if another process has locked the file.
    pub fn acquire(file: File) -> Result<Self, LockError> {
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                Err(LockError::Unsupported)
            }
            Err(TryLockError::Error(error)) => Err(LockError::Io(error)),
        }
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // Closing the file does not suffice: a child process has a copy of the descriptor until it executes its program.
        // If this fails, the lock is released when the last descriptor is closed.
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_lock_is_refused_until_first_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let open = || File::create(dir.path().join("lock")).unwrap();
        let first = LockFile::acquire(open()).unwrap();
        assert!(matches!(LockFile::acquire(open()), Err(LockError::Held)));
        drop(first);
        LockFile::acquire(open()).unwrap();
    }

    #[test]
    fn lock_is_released_although_descriptor_was_copied() {
        let dir = tempfile::tempdir().unwrap();
        let open = || File::create(dir.path().join("lock")).unwrap();
        let file = open();
        let _copy = file.try_clone().unwrap();
        drop(LockFile::acquire(file).unwrap());
        LockFile::acquire(open()).unwrap();
    }
}
