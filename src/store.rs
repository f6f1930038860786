//! Persistent state: evaluations with their predictions, promotions and pins, in one SQLite file.
//!
//! ```text
//! Store: one connection behind a lock; Store::run executes work on a blocking thread
//!   data_dir   --state DIR -> directory, its lock file, the database file
//!   schema     tables and migrations
//!   evaluations, predictions, promotions, pins: records <-> rows
//! ```
//!
//! Records are plain data. Of the server's types this module uses only labels, splits and versions.

mod data_dir;
mod evaluations;
mod job_id;
mod pins;
mod predictions;
mod promotions;
mod row;
mod schema;
mod table;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use mien_host::lock_file::LockFile;
use mien_host::sync::lock;
use rusqlite::Connection;

pub use self::{
    evaluations::{Accuracy, EvaluationEnd, EvaluationFilter, EvaluationRecord, EvaluationStatus},
    job_id::{InvalidJobId, JobId},
    pins::Pin,
    promotions::{PromotionRecord, PromotionStatus},
};

/// Errors of the store. The texts name paths, so they are for the log and the operator only.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory cannot be used.
    #[error(
        "cannot write to the state directory `{}`; choose another with --state DIR, or keep state in memory with --state memory",
        path.display()
    )]
    Folder {
        /// The directory, or a file in it.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// Another server uses the directory.
    #[error(
        "another server uses the state directory `{}`; stop it, or choose another directory with --state DIR",
        path.display()
    )]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// A newer program wrote the file.
    #[error(
        "`{}` was written by a newer version of mien (schema {found}, this version supports up to {known}); update mien, or choose another directory with --state DIR",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: usize,
        /// Newest schema version that this program supports.
        known: usize,
    },
    /// The file is not a state file, or it is damaged.
    #[error(
        "`{}` is not a valid state file; move it away, or choose another directory with --state DIR",
        path.display()
    )]
    InvalidFile {
        /// The file.
        path: PathBuf,
        /// The error of SQLite or of a migration.
        source: Box<rusqlite_migration::Error>,
    },
    /// The tables of an in-memory store cannot be created.
    #[error("cannot create the tables of the state: {0}")]
    Schema(#[from] rusqlite_migration::Error),
    /// SQLite failed, for example because the disk is full.
    #[error("cannot read or write the state: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The work panicked, or the process is stopping.
    #[error("a database thread panicked; see the server's log")]
    Crashed,
}

/// The database, on disk or in memory. Clones share it.
///
/// Every method except [`Store::run`] blocks the calling thread on the disk, so async code uses [`Store::run`].
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    connection: Mutex<Connection>,
    /// Held while the database is open. The operating system releases it when the process ends.
    _lock: Option<LockFile>,
}

impl Store {
    /// Opens `mien.sqlite3` in a directory. Directory and file are created if they are missing, readable by this user only.
    /// Jobs that were pending when the last server ended are marked as failed.
    ///
    /// # Errors
    /// Returns an error if the directory is not writable or in use, or if the file is damaged or of a newer program.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let (file, lock) = data_dir::prepare(folder)?;
        let connection = schema::open(&file)?;
        Self::with(connection, Some(lock))
    }

    /// Creates an in-memory store.
    ///
    /// # Errors
    /// Returns an error if SQLite cannot allocate memory.
    pub fn memory() -> Result<Self, StoreError> {
        let mut connection = Connection::open_in_memory()?;
        schema::migrate(&mut connection)?;
        Self::with(connection, None)
    }

    fn with(connection: Connection, lock: Option<LockFile>) -> Result<Self, StoreError> {
        let store = Self(Arc::new(Inner {
            connection: Mutex::new(connection),
            _lock: lock,
        }));
        let (evaluations, promotions) = (store.fail_evaluations()?, store.fail_promotions()?);
        if evaluations + promotions > 0 {
            tracing::warn!(
                evaluations,
                promotions,
                "marked jobs as failed that were pending when the last server ended"
            );
        }
        Ok(store)
    }

    /// Runs `work` with the store on a blocking thread. Work that has started continues if the future is dropped.
    ///
    /// # Errors
    /// Returns the errors of `work`.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&store)).await;
        done.unwrap_or(Err(StoreError::Crashed))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic rolls back its transaction, so the connection stays consistent.
        lock(&self.0.connection)
    }
}

/// Failure reason of jobs that were pending when a server ended.
const INTERRUPTED: &str = "the server stopped before the job finished";

#[cfg(test)]
mod tests;
