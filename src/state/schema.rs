//! The tables, and how an older file becomes a present one.

use std::path::Path;

use rusqlite::Connection;

use super::StoreError;

/// What leads from each schema to the next one, from an empty file on. The file's `user_version` counts those that it
/// has had. A step that has been released never changes.
const STEPS: [&str; 2] = [FIRST, SECOND];

const FIRST: &str = "
    -- Newest first is `ORDER BY number DESC`. `summary` and `report` are JSON; times are RFC 3339 in UTC.
    CREATE TABLE evaluations (
        number         INTEGER PRIMARY KEY AUTOINCREMENT,
        id             TEXT NOT NULL UNIQUE,
        status         TEXT NOT NULL,
        model          TEXT NOT NULL,
        version        TEXT NOT NULL,
        sha256         TEXT NOT NULL,
        dataset        TEXT NOT NULL,
        split          TEXT NOT NULL,
        dataset_sha256 TEXT,
        image_limit    INTEGER,
        is_whole       INTEGER NOT NULL,
        total          INTEGER NOT NULL,
        done           INTEGER NOT NULL DEFAULT 0,
        request_id     TEXT,
        created        TEXT NOT NULL,
        started        TEXT,
        finished       TEXT,
        accuracy       REAL,
        error          TEXT,
        summary        TEXT,
        report         TEXT
    ) STRICT;
    CREATE INDEX evaluations_of_model ON evaluations (model, version, dataset, split);

    -- `position` is the order of the data set; `image` is the opaque id, `name` the place within the data set.
    CREATE TABLE predictions (
        evaluation INTEGER NOT NULL REFERENCES evaluations (number) ON DELETE CASCADE,
        position   INTEGER NOT NULL,
        image      TEXT NOT NULL,
        name       TEXT NOT NULL,
        usage      TEXT NOT NULL,
        label      TEXT NOT NULL,
        angry      REAL NOT NULL,
        disgust    REAL NOT NULL,
        fear       REAL NOT NULL,
        happy      REAL NOT NULL,
        neutral    REAL NOT NULL,
        sad        REAL NOT NULL,
        surprise   REAL NOT NULL,
        PRIMARY KEY (evaluation, position)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE promotions (
        number       INTEGER PRIMARY KEY AUTOINCREMENT,
        id           TEXT NOT NULL UNIQUE,
        status       TEXT NOT NULL,
        model        TEXT NOT NULL,
        version      TEXT NOT NULL,
        previous     TEXT,
        dataset      TEXT NOT NULL,
        split        TEXT NOT NULL,
        image_limit  INTEGER,
        at_least     REAL,
        not_worse_by REAL,
        candidate    TEXT,
        serving      TEXT,
        done         INTEGER NOT NULL,
        total        INTEGER NOT NULL,
        result       TEXT,
        reason       TEXT,
        request_id   TEXT,
        created      TEXT NOT NULL,
        finished     TEXT
    ) STRICT;

    -- The version that a promotion or its beginning chose to serve.
    CREATE TABLE pins (
        model   TEXT PRIMARY KEY,
        version TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
";

const SECOND: &str = "
    -- `against` is the version that `not_worse_by` is judged against, `sha256` that of the candidate's file.
    ALTER TABLE promotions ADD COLUMN against TEXT;
    ALTER TABLE promotions ADD COLUMN sha256 TEXT;
";

/// Opens the database, for use by one process that others may look over the shoulder of.
pub(super) fn open(file: &Path) -> Result<Connection, StoreError> {
    let unfit = |source| StoreError::Unfit { path: file.to_owned(), source };
    let mut connection = Connection::open(file).map_err(unfit)?;
    let found = version(&connection).map_err(unfit)?;
    let known = known();
    if found > known {
        return Err(StoreError::Newer { path: file.to_owned(), found, known });
    }
    // Readers, such as a person with `sqlite3`, and the writer do not wait for each other.
    connection.pragma_update(None, "journal_mode", "wal").map_err(unfit)?;
    // A write is on the disk when it is said to be, even where the power fails.
    connection.pragma_update(None, "synchronous", "full").map_err(unfit)?;
    migrate(&mut connection).map_err(unfit)?;
    Ok(connection)
}

/// Brings the tables up to date, each step whole or not at all.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "foreign_keys", true)?;
    let from = usize::try_from(version(connection)?).unwrap_or(usize::MAX);
    for (index, step) in STEPS.iter().enumerate().skip(from) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", index as i64 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

/// The schema that this program writes.
fn known() -> i64 {
    STEPS.len() as i64
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}
