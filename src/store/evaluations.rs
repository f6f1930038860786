//! Evaluation records.

mod record;

use mien_faces::{dataset::Split, report::Prediction};
use rusqlite::{OptionalExtension, Row, named_params, params};

pub use self::record::{
    Accuracy, EvaluationEnd, EvaluationFilter, EvaluationRecord, EvaluationStatus,
};
use super::{INTERRUPTED, Store, StoreError, now, predictions, row};

/// The columns of lists. Lists do not contain the reports, because those of a thousand evaluations have megabytes.
const LIST_COLUMNS: &str = "id, status, model, version, sha256, dataset, split, dataset_sha256, image_limit, \
    is_whole, total, done, request_id, created, started, finished, accuracy, error, summary";

const IS_FINAL: &str = "status IN ('succeeded', 'failed', 'cancelled')";

impl Store {
    /// Stores a new evaluation.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn insert_evaluation(&self, record: &EvaluationRecord) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO evaluations ({LIST_COLUMNS}, report) VALUES (:id, :status, :model, :version, :sha256, :dataset, \
            :split, :dataset_sha256, :image_limit, :is_whole, :total, :done, :request_id, :created, :started, \
            :finished, :accuracy, :error, :summary, :report)"
        );
        let r = record;
        self.connection().execute(
            &sql,
            named_params! {
                ":id": r.id, ":status": r.status.name(), ":model": r.model, ":version": r.version,
                ":sha256": r.sha256, ":dataset": r.dataset, ":split": r.split.name(),
                ":dataset_sha256": r.dataset_sha256, ":image_limit": r.limit.map(row::to_i64), ":is_whole": r.is_whole,
                ":total": r.total, ":done": r.done, ":request_id": r.request_id, ":created": r.created,
                ":started": r.started, ":finished": r.finished, ":accuracy": r.accuracy,
                ":error": r.error, ":summary": r.summary, ":report": r.report,
            },
        )?;
        Ok(())
    }

    /// Stores that an evaluation is running, its start and the fingerprint of its images.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn start_evaluation(
        &self,
        id: &str,
        started: &str,
        dataset_sha256: Option<&str>,
    ) -> Result<(), StoreError> {
        self.connection().execute(
            "UPDATE evaluations SET status = 'running', started = ?2, dataset_sha256 = ?3 WHERE id = ?1",
            params![id, started, dataset_sha256],
        )?;
        Ok(())
    }

    /// Stores the end of an evaluation and its predictions in one transaction.
    ///
    /// # Errors
    /// Returns an error if SQLite fails or the evaluation is unknown.
    pub fn finish_evaluation(
        &self,
        id: &str,
        end: &EvaluationEnd,
        predictions: &[Prediction],
    ) -> Result<(), StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let seq: i64 = transaction.query_row(
            "UPDATE evaluations SET status = ?2, done = ?3, finished = ?4, accuracy = ?5, error = ?6, \
            summary = ?7, report = ?8 WHERE id = ?1 RETURNING seq",
            params![
                id, end.status.name(), end.done, end.finished, end.accuracy, end.error, end.summary,
                end.report
            ],
            |row| row.get(0),
        )?;
        predictions::insert(&transaction, seq, predictions)?;
        transaction.commit()?;
        Ok(())
    }

    /// Returns the evaluation with this identifier and its report.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn evaluation(&self, id: &str) -> Result<Option<EvaluationRecord>, StoreError> {
        let sql = format!("SELECT {LIST_COLUMNS}, report FROM evaluations WHERE id = ?1");
        let with_report = |row: &Row<'_>| {
            Ok(EvaluationRecord {
                report: row.get("report")?,
                ..record(row)?
            })
        };
        Ok(self
            .connection()
            .query_row(&sql, [id], with_report)
            .optional()?)
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
        let sql = format!(
            "SELECT {LIST_COLUMNS} FROM evaluations WHERE (:model IS NULL OR model = :model) \
            AND (:version IS NULL OR version = :version) AND (:dataset IS NULL OR dataset = :dataset) \
            AND (:split IS NULL OR split = :split) AND (:status IS NULL OR status = :status) \
            ORDER BY seq DESC LIMIT :limit"
        );
        let connection = self.connection();
        let mut statement = connection.prepare_cached(&sql)?;
        let rows = statement.query_map(
            named_params! {
                ":model": filter.model, ":version": filter.version, ":dataset": filter.dataset,
                ":split": filter.split.map(Split::name),
                ":status": filter.status.map(EvaluationStatus::name), ":limit": row::to_i64(limit),
            },
            record,
        )?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Removes an ended evaluation and its predictions. Returns whether it existed.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn delete_evaluation(&self, id: &str) -> Result<bool, StoreError> {
        let sql = format!("DELETE FROM evaluations WHERE id = ?1 AND {IS_FINAL}");
        Ok(self.connection().execute(&sql, [id])? > 0)
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
        Ok(self.connection().execute(&sql, [retention])?)
    }

    /// Returns the accuracy of the newest evaluation of a whole split for each model, version, data set and split.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn accuracies(&self) -> Result<Vec<Accuracy>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare(
            "SELECT model, version, dataset, split, accuracy FROM evaluations WHERE seq IN \
            (SELECT max(seq) FROM evaluations WHERE status = 'succeeded' AND is_whole AND accuracy IS NOT NULL \
            GROUP BY model, version, dataset, split) ORDER BY seq",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(Accuracy {
                model: row.get("model")?,
                version: row.get("version")?,
                dataset: row.get("dataset")?,
                split: row::enum_column(row, "split")?,
                accuracy: row.get("accuracy")?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Marks evaluations as failed that were pending when the last server ended, and returns how many.
    pub(super) fn fail_evaluations(&self) -> Result<usize, StoreError> {
        let sql = format!(
            "UPDATE evaluations SET status = 'failed', error = ?1, finished = ?2 WHERE NOT {IS_FINAL}"
        );
        Ok(self.connection().execute(&sql, [INTERRUPTED, &now()])?)
    }
}

/// A row of [`LISTED`] columns.
fn record(row: &Row<'_>) -> rusqlite::Result<EvaluationRecord> {
    Ok(EvaluationRecord {
        id: row.get("id")?,
        status: row::enum_column(row, "status")?,
        model: row.get("model")?,
        version: row.get("version")?,
        sha256: row.get("sha256")?,
        dataset: row.get("dataset")?,
        split: row::enum_column(row, "split")?,
        dataset_sha256: row.get("dataset_sha256")?,
        limit: row.get("image_limit")?,
        is_whole: row.get("is_whole")?,
        total: row.get("total")?,
        done: row.get("done")?,
        request_id: row.get("request_id")?,
        created: row.get("created")?,
        started: row.get("started")?,
        finished: row.get("finished")?,
        accuracy: row.get("accuracy")?,
        error: row.get("error")?,
        summary: row.get("summary")?,
        report: None,
    })
}
