//! Evaluation records.

mod record;

use mien_faces::{dataset::Split, report::Predictions};
use rusqlite::{OptionalExtension, named_params, params, params_from_iter};

pub use self::record::{
    Accuracy, EvaluationEnd, EvaluationFilter, EvaluationRecord, EvaluationStatus,
};
use super::{
    INTERRUPTED, JobId, Store, StoreError, groupings, predictions, profiles, row, table::Table,
};
use crate::timestamp::Timestamp;

const IS_FINAL: &str = "status IN ('succeeded', 'failed', 'cancelled')";

impl Store {
    /// Stores a new evaluation.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn insert_evaluation(&self, record: &EvaluationRecord) -> Result<(), StoreError> {
        let sql = EvaluationRecord::insert_sql();
        self.write(|connection| connection.execute(&sql, params_from_iter(record.values())))?;
        Ok(())
    }

    /// Stores that an evaluation is running, its start and the fingerprint of its images.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn start_evaluation(
        &self,
        id: JobId,
        started: Timestamp,
        dataset_sha256: Option<&str>,
    ) -> Result<(), StoreError> {
        self.write(|connection| connection.execute(
            "UPDATE evaluations SET status = 'running', started = ?2, dataset_sha256 = ?3 WHERE id = ?1",
            params![id.to_string(), started.to_string(), dataset_sha256],
        ))?;
        Ok(())
    }

    /// Stores the end of an evaluation, its predictions, groupings and profile in one transaction.
    ///
    /// # Errors
    /// Returns an error if SQLite fails or the evaluation is unknown.
    pub fn finish_evaluation(
        &self,
        id: JobId,
        end: &EvaluationEnd,
        predictions: &Predictions,
    ) -> Result<(), StoreError> {
        self.write(|connection| {
        let transaction = connection.transaction()?;
        let seq: i64 = transaction.query_row(
            "UPDATE evaluations SET status = ?2, done = ?3, finished = ?4, accuracy = ?5, error = ?6, \
            summary = ?7, report = ?8 WHERE id = ?1 RETURNING seq",
            params![
                id.to_string(), end.status.name(), end.done, end.finished.to_string(), end.accuracy, end.error,
                end.summary, end.report
            ],
            |row| row.get(0),
        )?;
        predictions::insert(&transaction, seq, &predictions.images)?;
        groupings::insert(&transaction, seq, &predictions.groupings)?;
        if let Some(profile) = &end.profile {
            profiles::insert(&transaction, seq, profile)?;
        }
        transaction.commit()
        })
    }

    /// Returns the evaluation with this identifier and its report.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn evaluation(&self, id: JobId) -> Result<Option<EvaluationRecord>, StoreError> {
        let columns = EvaluationRecord::column_list();
        let sql = format!("SELECT {columns} FROM evaluations WHERE id = ?1");
        self.read(|connection| {
            connection
                .query_row(&sql, [id.to_string()], EvaluationRecord::from_row)
                .optional()
        })
    }

    /// Returns the evaluations that match the filter, newest first, at most `limit`, without their reports.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn evaluations(
        &self,
        filter: &EvaluationFilter,
        limit: usize,
    ) -> Result<Vec<EvaluationRecord>, StoreError> {
        // The reports of a thousand evaluations have megabytes.
        let columns = EvaluationRecord::column_list_without("report");
        let sql = format!(
            "SELECT {columns} FROM evaluations WHERE (:model IS NULL OR model = :model) \
            AND (:version IS NULL OR version = :version) AND (:dataset IS NULL OR dataset = :dataset) \
            AND (:split IS NULL OR split = :split) AND (:status IS NULL OR status = :status) \
            ORDER BY seq DESC LIMIT :limit"
        );
        self.read(|connection| {
        let mut statement = connection.prepare_cached(&sql)?;
        let rows = statement.query_map(
            named_params! {
                ":model": filter.model, ":version": filter.version.map(|version| version.to_string()), ":dataset": filter.dataset,
                ":split": filter.split.map(Split::name),
                ":status": filter.status.map(EvaluationStatus::name), ":limit": row::to_i64(limit),
            },
            EvaluationRecord::from_row,
        )?;
        rows.collect()
        })
    }

    /// Removes an ended evaluation and its predictions. Returns whether it existed.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn delete_evaluation(&self, id: JobId) -> Result<bool, StoreError> {
        let sql = format!("DELETE FROM evaluations WHERE id = ?1 AND {IS_FINAL}");
        let removed = self.write(|connection| connection.execute(&sql, [id.to_string()]))?;
        Ok(removed > 0)
    }

    /// Removes all but the newest `retention` ended evaluations and returns how many were removed.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn prune_evaluations(&self, retention: usize) -> Result<usize, StoreError> {
        let sql = format!(
            "DELETE FROM evaluations WHERE seq IN \
            (SELECT seq FROM evaluations WHERE {IS_FINAL} ORDER BY seq DESC LIMIT -1 OFFSET ?1)"
        );
        self.write(|connection| connection.execute(&sql, [retention]))
    }

    /// Returns the accuracy of the newest evaluation of a whole split for each model, version, data set and split.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn accuracies(&self) -> Result<Vec<Accuracy>, StoreError> {
        self.read(|connection| {
        let mut statement = connection.prepare(
            "SELECT model, version, dataset, split, accuracy FROM evaluations WHERE seq IN \
            (SELECT max(seq) FROM evaluations WHERE status = 'succeeded' AND is_whole AND accuracy IS NOT NULL \
            GROUP BY model, version, dataset, split) ORDER BY seq",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(Accuracy {
                model: row.get("model")?,
                version: row::get(row, "version")?,
                dataset: row.get("dataset")?,
                split: row::get(row, "split")?,
                accuracy: row.get("accuracy")?,
            })
        })?;
        rows.collect()
        })
    }

    /// Marks evaluations as failed that were pending when the last server ended, and returns how many.
    pub(super) fn fail_evaluations(&self) -> Result<usize, StoreError> {
        let sql = format!(
            "UPDATE evaluations SET status = 'failed', error = ?1, finished = ?2 WHERE NOT {IS_FINAL}"
        );
        let now = Timestamp::now().to_string();
        self.write(|connection| connection.execute(&sql, [INTERRUPTED, &now]))
    }
}
