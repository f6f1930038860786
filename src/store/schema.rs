//! The tables of the state file and the migrations that create them.

use std::path::Path;

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations, SchemaVersion};

use super::StoreError;

/// The migrations, oldest first. The file's `user_version` counts those that were applied. A migration that was released
/// never changes.
const MIGRATION_LIST: &[M<'static>] = &[
    M::up(CREATE_TABLES),
    M::up(ADD_BASELINE),
    M::up(RENAME_COLUMNS),
    M::up(ADD_ENGINE),
    M::up(ADD_PROFILES),
    M::up(ADD_GROUPINGS),
    M::up(ADD_MAX_GROUP_REGRESSION),
];

const MIGRATIONS: Migrations<'static> = Migrations::from_slice(MIGRATION_LIST);

const CREATE_TABLES: &str = "
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

const ADD_BASELINE: &str = "
    -- `against` is the version that `not_worse_by` is judged against, `sha256` that of the candidate's file.
    ALTER TABLE promotions ADD COLUMN against TEXT;
    ALTER TABLE promotions ADD COLUMN sha256 TEXT;
";

const RENAME_COLUMNS: &str = r#"
    -- Rows are listed newest first with `ORDER BY seq DESC`.
    ALTER TABLE evaluations RENAME COLUMN number TO seq;
    ALTER TABLE promotions RENAME COLUMN number TO seq;
    -- A promotion needs either `min_accuracy`, or at most `max_regression` below `baseline_version`.
    ALTER TABLE promotions RENAME COLUMN at_least TO min_accuracy;
    ALTER TABLE promotions RENAME COLUMN not_worse_by TO max_regression;
    ALTER TABLE promotions RENAME COLUMN against TO baseline_version;
    ALTER TABLE promotions RENAME COLUMN candidate TO candidate_evaluation_id;
    ALTER TABLE promotions RENAME COLUMN serving TO baseline_evaluation_id;
    -- The API returns the stored JSON, so its keys are renamed too. Its values are numbers, versions and UUIDs.
    UPDATE promotions SET result = replace(replace(replace(result,
        '"reached":', '"actual":'),
        '"short_by":', '"shortfall":'),
        '"against":', '"baseline":');
"#;

const ADD_ENGINE: &str = "
    -- Older versions had one engine and one precision.
    ALTER TABLE evaluations ADD COLUMN engine TEXT NOT NULL DEFAULT 'onnxruntime';
    ALTER TABLE evaluations ADD COLUMN precision TEXT NOT NULL DEFAULT 'fp32';
    -- Those of the candidate, after it is loaded.
    ALTER TABLE promotions ADD COLUMN engine TEXT;
    ALTER TABLE promotions ADD COLUMN precision TEXT;
    UPDATE promotions SET engine = 'onnxruntime', precision = 'fp32' WHERE sha256 IS NOT NULL;
";

const ADD_PROFILES: &str = "
    -- `profile` is JSON. Evaluations of a part of a split, of train, or of older versions have no profile.
    CREATE TABLE profiles (
        evaluation INTEGER PRIMARY KEY REFERENCES evaluations (seq) ON DELETE CASCADE,
        profile    TEXT NOT NULL
    ) STRICT;
";

const ADD_GROUPINGS: &str = "
    -- `group_names` is a JSON array. `members` has a byte per prediction, in the order of their positions: the index of the group, or 255
    -- without a group. Evaluations of older versions do not have groupings.
    CREATE TABLE groupings (
        evaluation  INTEGER NOT NULL REFERENCES evaluations (seq) ON DELETE CASCADE,
        position    INTEGER NOT NULL,
        name        TEXT NOT NULL,
        group_names TEXT NOT NULL,
        members     BLOB NOT NULL,
        PRIMARY KEY (evaluation, position)
    ) STRICT;
";

const ADD_MAX_GROUP_REGRESSION: &str = "
    -- At most this much below `baseline_version` in each group; null without a limit.
    ALTER TABLE promotions ADD COLUMN max_group_regression REAL;
";

/// Opens the database and applies the migrations that it lacks. Other processes may read the file meanwhile.
pub(super) fn open(file: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(file).map_err(unreadable(file))?;
    let found = MIGRATIONS
        .current_version(&connection)
        .map_err(unreadable(file))?;
    if let SchemaVersion::Outside(found) = found {
        return Err(StoreError::Newer {
            path: file.to_owned(),
            found: found.get(),
            known: MIGRATION_LIST.len(),
        });
    }
    prepare(&mut connection).map_err(unreadable(file))?;
    Ok(connection)
}

fn unreadable<E: Into<rusqlite_migration::Error>>(file: &Path) -> impl FnOnce(E) -> StoreError {
    |error| StoreError::InvalidFile {
        path: file.to_owned(),
        source: Box::new(error.into()),
    }
}

fn prepare(connection: &mut Connection) -> rusqlite_migration::Result<()> {
    // Readers, such as a person with `sqlite3`, and the writer do not wait for each other.
    connection.pragma_update(None, "journal_mode", "wal")?;
    // A committed transaction survives a power failure.
    connection.pragma_update(None, "synchronous", "full")?;
    migrate(connection)
}

/// Applies the migrations that the database lacks, in one transaction.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite_migration::Result<()> {
    connection.pragma_update(None, "foreign_keys", true)?;
    MIGRATIONS.to_latest(connection)
}
