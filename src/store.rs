//! Persistent state: evaluations with their predictions, groupings and profiles, promotions and pins, in one SQLite file.
//!
//! ```text
//! Store: one connection behind a lock; Store::run executes work on a blocking thread
//!   database_file   detects that the file was removed
//!   data_dir   --state DIR -> directory, its lock file, the database file
//!   schema     tables and migrations
//!   evaluations, predictions, groupings, profiles, promotions, pins: records <-> rows
//! ```
//!
//! Records are plain data. Of the server's types this module uses only labels, splits and versions.

mod data_dir;
mod database_file;
mod evaluations;
mod groupings;
mod job_id;
mod pins;
mod predictions;
mod profiles;
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

use self::database_file::DatabaseFile;
pub use self::{
    evaluations::{Accuracy, EvaluationEnd, EvaluationFilter, EvaluationRecord, EvaluationStatus},
    job_id::{InvalidJobId, JobId},
    pins::Pin,
    profiles::StoredProfile,
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
    /// An in-memory store cannot be created.
    #[error(
        "cannot create the state in memory: {0}; free memory, or choose a directory with --state DIR"
    )]
    Memory(#[from] rusqlite_migration::Error),
    /// SQLite failed, for example because the disk is full.
    #[error(
        "cannot read or write the state in `{}`: {source}; check the free space of the disk and the permissions of the file, \
         or choose another directory with --state DIR",
        file.display()
    )]
    Sqlite {
        /// The file, or `memory`.
        file: PathBuf,
        /// The error of SQLite.
        source: rusqlite::Error,
    },
    /// The file was removed while the server runs.
    #[error(
        "the state file `{}` was removed or replaced while the server runs, so records would be lost; put it back, or restart \
         the server to continue with the file that exists then",
        path.display()
    )]
    Removed {
        /// The file.
        path: PathBuf,
    },
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
    /// `None` for a store in memory.
    file: Option<DatabaseFile>,
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
        let file = DatabaseFile::new(file)?;
        Self::with(connection, Some(file), Some(lock))
    }

    /// Creates an in-memory store.
    ///
    /// # Errors
    /// Returns an error if SQLite cannot allocate memory.
    pub fn memory() -> Result<Self, StoreError> {
        let connection = Connection::open_in_memory().map_err(rusqlite_migration::Error::from);
        let mut connection = connection?;
        schema::migrate(&mut connection)?;
        Self::with(connection, None, None)
    }

    fn with(
        connection: Connection,
        file: Option<DatabaseFile>,
        lock: Option<LockFile>,
    ) -> Result<Self, StoreError> {
        let store = Self(Arc::new(Inner {
            connection: Mutex::new(connection),
            file,
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

    /// Logs an error if the file was removed, because the records are lost when the server ends. Called at shutdown.
    pub fn report_removal(&self) {
        self.check_file().unwrap_or_else(|error| {
            tracing::error!(%error, "stored records are lost");
        });
    }

    /// Reads from the database.
    fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        // The open database can still be read.
        let _ = self.check_file();
        work(&self.connection()).map_err(|source| self.failed(source))
    }

    /// Changes the database.
    fn write<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.check_file()?;
        work(&mut self.connection()).map_err(|source| self.failed(source))
    }

    fn check_file(&self) -> Result<(), StoreError> {
        self.0.file.as_ref().map_or(Ok(()), DatabaseFile::check)
    }

    fn failed(&self, source: rusqlite::Error) -> StoreError {
        let file = self.0.file.as_ref().map(DatabaseFile::path);
        StoreError::Sqlite {
            file: file.unwrap_or(Path::new("memory")).to_owned(),
            source,
        }
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
