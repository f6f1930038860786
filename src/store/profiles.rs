//! Reference profiles of evaluations.

use mien_faces::dataset::Split;
use rusqlite::{OptionalExtension, Transaction, params};

use super::{JobId, Store, StoreError, row};
use crate::{model_version::ModelVersion, timestamp::Timestamp};

/// The profile of an evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredProfile {
    /// Identifier of the evaluation.
    pub evaluation: JobId,
    /// Name of the data set.
    pub dataset: String,
    /// Split of the data set.
    pub split: Split,
    /// End of the evaluation.
    pub finished: Timestamp,
    /// The profile as JSON.
    pub profile: String,
}

impl Store {
    /// Returns the profile of the newest evaluation of a model file that has one.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn newest_profile(
        &self,
        model: &str,
        version: ModelVersion,
        sha256: &str,
    ) -> Result<Option<StoredProfile>, StoreError> {
        let sql = "SELECT id, dataset, split, finished, profile \
            FROM evaluations JOIN profiles ON evaluation = seq \
            WHERE model = ?1 AND version = ?2 AND sha256 = ?3 ORDER BY seq DESC LIMIT 1";
        self.read(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let of = params![model, version.to_string(), sha256];
            let profile = |row: &rusqlite::Row<'_>| {
                Ok(StoredProfile {
                    evaluation: row::get(row, "id")?,
                    dataset: row::get(row, "dataset")?,
                    split: row::get(row, "split")?,
                    finished: row::get(row, "finished")?,
                    profile: row::get(row, "profile")?,
                })
            };
            statement.query_row(of, profile).optional()
        })
    }
}

/// Adds the profile of the evaluation with this `seq`.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    evaluation: i64,
    profile: &str,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO profiles VALUES (?1, ?2)";
    transaction
        .execute(sql, params![evaluation, profile])
        .map(drop)
}
