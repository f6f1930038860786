//! Predictions of evaluations, one row per image.

use mien_faces::{
    expression::Expression,
    report::{Prediction, Predictions},
};
use rusqlite::{Connection, Row, Transaction, params};

use super::{JobId, Store, StoreError, groupings, row};

impl Store {
    /// Returns the predictions of an evaluation in the order of the data set, and the groupings of the images. Both are empty if the
    /// evaluation is unknown or has not succeeded.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn predictions(&self, id: JobId) -> Result<Predictions, StoreError> {
        // The evaluation cannot be deleted between the two queries.
        self.read(|connection| {
            Ok(Predictions {
                images: select(connection, id, 0, usize::MAX)?,
                groupings: groupings::select(connection, id)?,
            })
        })
    }

    /// Returns at most `limit` predictions of an evaluation, starting at `position`, for callers that read them in chunks.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn predictions_from(
        &self,
        id: JobId,
        position: usize,
        limit: usize,
    ) -> Result<Vec<Prediction>, StoreError> {
        self.read(|connection| select(connection, id, position, limit))
    }
}

/// Reads at most `limit` predictions of an evaluation, starting at `position`.
fn select(
    connection: &Connection,
    id: JobId,
    position: usize,
    limit: usize,
) -> rusqlite::Result<Vec<Prediction>> {
    let mut statement = connection.prepare_cached(
        "SELECT image, name, usage, label, angry, disgust, fear, happy, neutral, sad, surprise \
        FROM predictions WHERE evaluation = (SELECT seq FROM evaluations WHERE id = ?1) AND position >= ?2 \
        ORDER BY position LIMIT ?3",
    )?;
    let rows = statement.query_map(
        params![id.to_string(), row::to_i64(position), row::to_i64(limit)],
        prediction,
    )?;
    rows.collect()
}

/// Adds the predictions of the evaluation with this `seq`.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    evaluation: i64,
    predictions: &[Prediction],
) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO predictions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?;
    for (position, prediction) in predictions.iter().enumerate() {
        let Prediction {
            image,
            name,
            usage,
            truth,
            probabilities,
        } = prediction;
        let [angry, disgust, fear, happy, neutral, sad, surprise] = probabilities;
        statement.execute(params![
            evaluation,
            position,
            image,
            name,
            usage.name(),
            truth.label(),
            angry,
            disgust,
            fear,
            happy,
            neutral,
            sad,
            surprise
        ])?;
    }
    Ok(())
}

fn prediction(row: &Row<'_>) -> rusqlite::Result<Prediction> {
    let mut probabilities = [0.0; Expression::COUNT];
    for expression in Expression::ALL {
        probabilities[expression.index()] = row.get(expression.label())?;
    }
    Ok(Prediction {
        image: row.get("image")?,
        name: row.get("name")?,
        usage: row::get(row, "usage")?,
        truth: row::get(row, "label")?,
        probabilities,
    })
}
