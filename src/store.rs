//! What a server remembers beyond its end: evaluations with their predictions, promotions and pins, in one SQLite file.
//!
//! ```text
//! Store: one connection behind a lock; Store::run takes the work off the event loop
//!   location   --state DIR -> folder, its lock, the file
//!   schema     tables, and their version
//!   evaluations, predictions, promotions, pins: records <-> rows
//! ```
//!
//! Records are plain: this room knows nothing of what it keeps but labels and splits.

mod data_dir;
mod evaluations;
mod pins;
mod predictions;
mod promotions;
mod row;
mod schema;

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use rusqlite::Connection;

pub use self::{
    evaluations::{Accuracy, EvaluationEnd, EvaluationFilter, EvaluationRecord, EvaluationStatus},
    pins::Pin,
    promotions::{PromotionRecord, PromotionStatus},
};

/// Why something could not be kept or found again. The texts name paths: they are for the log and the operator.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder cannot be used.
    #[error(
        "cannot write to the state folder `{}`; name another with --state DIR, or keep nothing with --state memory",
        path.display()
    )]
    Folder {
        /// The folder, or a file in it.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another server has the folder.
    #[error(
        "another server uses the state folder `{}`; stop it, or give this one its own with --state DIR",
        path.display()
    )]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// A newer program wrote the file.
    #[error(
        "`{}` was written by a newer mien (schema {found}, this one knows up to {known}); update mien, or name another folder with --state DIR",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: usize,
        /// The newest schema version that this program knows.
        known: usize,
    },
    /// The file is none of ours, or broken.
    #[error(
        "`{}` cannot be read as mien's state; move it away, or name another folder with --state DIR",
        path.display()
    )]
    Unfit {
        /// The file.
        path: PathBuf,
        /// The error of SQLite or of a migration.
        source: Box<rusqlite_migration::Error>,
    },
    /// The tables of a store in memory could not be created.
    #[error("the state's tables could not be created: {0}")]
    Schema(#[from] rusqlite_migration::Error),
    /// SQLite failed, as on a full disk.
    #[error("the state could not be read or written: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The thread that did the work ended with a panic, or the process is ending.
    #[error("the state's thread crashed")]
    Crashed,
}

/// The file, or memory that ends with the process. Clones share it.
///
/// Every method but [`Store::run`] blocks the thread for as long as the disk takes: tasks go through [`Store::run`].
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    connection: Mutex<Connection>,
    /// Held as long as the file is open; the operating system lets go of it however the process ends.
    _lock: Option<File>,
}

impl Store {
    /// Opens `mien.sqlite3` in a folder, both made where they are not there, readable by this user alone. What was
    /// unfinished when the last server ended is marked as failed.
    ///
    /// # Errors
    /// When the folder cannot be written to or another server uses it, or the file is broken or of a newer program.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let (file, lock) = data_dir::prepare(folder)?;
        let connection = schema::open(&file)?;
        Self::with(connection, Some(lock))
    }

    /// A store that nothing remains of.
    ///
    /// # Errors
    /// When SQLite finds no memory.
    pub fn memory() -> Result<Self, StoreError> {
        let mut connection = Connection::open_in_memory()?;
        schema::migrate(&mut connection)?;
        Self::with(connection, None)
    }

    fn with(connection: Connection, lock: Option<File>) -> Result<Self, StoreError> {
        let store = Self(Arc::new(Inner { connection: Mutex::new(connection), _lock: lock }));
        let (evaluations, promotions) = (store.fail_evaluations()?, store.fail_promotions()?);
        if evaluations + promotions > 0 {
            tracing::warn!(evaluations, promotions, "the last server ended while these ran");
        }
        Ok(store)
    }

    /// Runs `work` with the store on a thread for blocking tasks. Once it has begun it goes on when the future is
    /// dropped.
    ///
    /// # Errors
    /// Those of `work`.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&store)).await;
        done.unwrap_or(Err(StoreError::Crashed))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic rolls its transaction back: the connection is whole.
        self.0.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why what was unfinished when a server ended has failed.
const INTERRUPTED: &str = "the server ended while it ran";

/// The present moment as records have it: RFC 3339 in UTC, to the millisecond.
pub fn now() -> String {
    moment(SystemTime::now())
}

/// A moment as records have it; as texts they are in the order of time.
pub fn moment(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

#[cfg(test)]
mod tests;
