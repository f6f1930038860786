//! Detects that the database file was removed or replaced. SQLite would continue to write to the removed file.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use super::StoreError;

/// The open database file.
pub(super) struct DatabaseFile {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
    /// Whether the last check failed, so that the log has one message.
    is_missing: AtomicBool,
}

impl DatabaseFile {
    /// Remembers which file is open.
    pub(super) fn new(path: PathBuf) -> Result<Self, StoreError> {
        match identity(&path) {
            Some(identity) => Ok(Self {
                path,
                identity,
                is_missing: AtomicBool::new(false),
            }),
            None => Err(StoreError::Removed { path }),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that the path still refers to the open file. The log gets a message when that changes.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let is_missing = identity(&self.path) != Some(self.identity);
        let was_missing = self.is_missing.swap(is_missing, Ordering::Relaxed);
        if !is_missing {
            if was_missing {
                tracing::info!("the state file is back in its place");
            }
            return Ok(());
        }
        let error = StoreError::Removed {
            path: self.path.clone(),
        };
        if !was_missing {
            tracing::error!(%error, "records cannot be stored");
        }
        Err(error)
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let file = fs::metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}
