//! Pins of models to versions.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Store, StoreError, row};
use crate::model_version::ModelVersion;

/// The version that serves requests that do not name a version, even if newer versions are loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// Name of the model.
    pub model: String,
    /// The version.
    pub version: ModelVersion,
}

impl Store {
    /// Pins a model to a version and replaces an existing pin.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn set_pin(&self, model: &str, version: ModelVersion) -> Result<(), StoreError> {
        let pin = Pin {
            model: model.to_owned(),
            version,
        };
        self.write(|connection| set(connection, &pin))
    }

    /// Returns the version that a model is pinned to.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn pin(&self, model: &str) -> Result<Option<ModelVersion>, StoreError> {
        let sql = "SELECT version FROM pins WHERE model = ?1";
        self.read(|connection| {
            connection
                .query_row(sql, [model], |row| row::get(row, "version"))
                .optional()
        })
    }

    /// Returns all pins, sorted by model.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn pins(&self) -> Result<Vec<Pin>, StoreError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare("SELECT model, version FROM pins ORDER BY model")?;
            let rows = statement.query_map([], |row| {
                Ok(Pin {
                    model: row.get(0)?,
                    version: row::get(row, "version")?,
                })
            })?;
            rows.collect()
        })
    }

    /// Removes the pin of a model. Returns whether the model was pinned.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn clear_pin(&self, model: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM pins WHERE model = ?1";
        let removed = self.write(|connection| connection.execute(sql, [model]))?;
        Ok(removed > 0)
    }
}

/// Pins a model as part of the current transaction.
pub(super) fn set(connection: &Connection, pin: &Pin) -> rusqlite::Result<()> {
    let sql =
        "INSERT INTO pins VALUES (?1, ?2) ON CONFLICT DO UPDATE SET version = excluded.version";
    connection
        .execute(sql, params![pin.model, pin.version.to_string()])
        .map(drop)
}
