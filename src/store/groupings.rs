//! Groupings of the images of evaluations. They stay as they were at the evaluation when `groups.csv` changes.

use mien_faces::grouping::{Grouping, InvalidGrouping};
use rusqlite::{Connection, Row, Transaction, params, types::Type};

use super::{JobId, Store, StoreError};

impl Store {
    /// Returns the groupings of an evaluation in the order of its report. The list is empty if the evaluation is unknown, has not
    /// succeeded, or is of an older version.
    ///
    /// # Errors
    /// Returns an error if SQLite fails or a grouping is not valid.
    pub fn groupings(&self, id: JobId) -> Result<Vec<Grouping>, StoreError> {
        self.read(|connection| select(connection, id))
    }
}

/// Reads the groupings of an evaluation.
pub(super) fn select(connection: &Connection, id: JobId) -> rusqlite::Result<Vec<Grouping>> {
    let mut statement = connection.prepare_cached(
        "SELECT name, group_names, members FROM groupings \
        WHERE evaluation = (SELECT seq FROM evaluations WHERE id = ?1) ORDER BY position",
    )?;
    let rows = statement.query_map([id.to_string()], grouping)?;
    rows.collect()
}

/// Adds the groupings of the evaluation with this `seq`.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    evaluation: i64,
    groupings: &[Grouping],
) -> rusqlite::Result<()> {
    let mut statement =
        transaction.prepare_cached("INSERT INTO groupings VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (position, grouping) in groupings.iter().enumerate() {
        let names: Vec<&str> = grouping.groups().iter().map(|g| g.name.as_str()).collect();
        let names = serde_json::to_string(&names)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        statement.execute(params![
            evaluation,
            position,
            grouping.name(),
            names,
            grouping.members()
        ])?;
    }
    Ok(())
}

fn grouping(row: &Row<'_>) -> rusqlite::Result<Grouping> {
    let names: String = row.get("group_names")?;
    let names = serde_json::from_str(&names)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(1, Type::Text, error.into()))?;
    Grouping::of_members(row.get("name")?, names, row.get("members")?).map_err(
        |error: InvalidGrouping| {
            rusqlite::Error::FromSqlConversionFailure(2, Type::Blob, error.into())
        },
    )
}
