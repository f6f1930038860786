//! Promotion records.

mod record;

use rusqlite::{OptionalExtension, Row, named_params, params};

pub use self::record::{PromotionRecord, PromotionStatus};
use super::{
    INTERRUPTED, Store, StoreError, now,
    pins::{self, Pin},
    row,
};

const IS_UNFINISHED: &str = "status IN ('queued', 'loading', 'evaluating')";

impl Store {
    /// Stores a new promotion and, if given, a pin in one transaction.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn insert_promotion(
        &self,
        record: &PromotionRecord,
        pin: Option<&Pin>,
    ) -> Result<(), StoreError> {
        self.write_promotion(
            "INSERT INTO promotions (id, status, model, version, previous, dataset, split, image_limit, min_accuracy, \
            max_regression, baseline_version, sha256, candidate_evaluation_id, baseline_evaluation_id, done, total, result, \
            reason, request_id, created, finished) \
            VALUES (:id, :status, :model, :version, :previous, :dataset, :split, :image_limit, :min_accuracy, \
            :max_regression, :baseline_version, :sha256, :candidate_evaluation_id, :baseline_evaluation_id, :done, :total, \
            :result, :reason, :request_id, :created, :finished)",
            record,
            pin,
        )
    }

    /// Updates a promotion and, if given, a pin in one transaction.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn update_promotion(
        &self,
        record: &PromotionRecord,
        pin: Option<&Pin>,
    ) -> Result<(), StoreError> {
        self.write_promotion(
            "UPDATE promotions SET status = :status, model = :model, version = :version, previous = :previous, \
            dataset = :dataset, split = :split, image_limit = :image_limit, min_accuracy = :min_accuracy, \
            max_regression = :max_regression, baseline_version = :baseline_version, sha256 = :sha256, \
            candidate_evaluation_id = :candidate_evaluation_id, baseline_evaluation_id = :baseline_evaluation_id, \
            done = :done, total = :total, result = :result, reason = :reason, request_id = :request_id, \
            created = :created, finished = :finished WHERE id = :id",
            record,
            pin,
        )
    }

    fn write_promotion(
        &self,
        sql: &str,
        record: &PromotionRecord,
        pin: Option<&Pin>,
    ) -> Result<(), StoreError> {
        let r = record;
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction.execute(
            sql,
            named_params! {
                ":id": r.id, ":status": r.status.name(), ":model": r.model, ":version": r.version,
                ":previous": r.previous, ":dataset": r.dataset, ":split": r.split.name(),
                ":image_limit": r.limit.map(row::to_i64), ":min_accuracy": r.min_accuracy, ":max_regression": r.max_regression,
                ":baseline_version": r.baseline_version, ":sha256": r.sha256,
                ":candidate_evaluation_id": r.candidate_evaluation_id,
                ":baseline_evaluation_id": r.baseline_evaluation_id, ":done": r.done, ":total": r.total,
                ":result": r.result, ":reason": r.reason, ":request_id": r.request_id,
                ":created": r.created, ":finished": r.finished,
            },
        )?;
        if let Some(pin) = pin {
            pins::set(&transaction, pin)?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Returns the promotion with this identifier.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn promotion(&self, id: &str) -> Result<Option<PromotionRecord>, StoreError> {
        let sql = "SELECT * FROM promotions WHERE id = ?1";
        Ok(self.connection().query_row(sql, [id], record).optional()?)
    }

    /// Returns the promotions of one model or of all models, newest first, at most `limit`.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn promotions(
        &self,
        model: Option<&str>,
        limit: usize,
    ) -> Result<Vec<PromotionRecord>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT * FROM promotions WHERE ?1 IS NULL OR model = ?1 ORDER BY seq DESC LIMIT ?2",
        )?;
        let rows = statement.query_map(params![model, row::to_i64(limit)], record)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Removes all but the newest `retention` ended promotions and returns how many were removed.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn prune_promotions(&self, retention: usize) -> Result<usize, StoreError> {
        let sql = format!(
            "DELETE FROM promotions WHERE seq IN (SELECT seq FROM promotions WHERE NOT {IS_UNFINISHED} \
            ORDER BY seq DESC LIMIT -1 OFFSET ?1)"
        );
        Ok(self.connection().execute(&sql, [row::to_i64(retention)])?)
    }

    /// Marks promotions as failed that were pending when the last server ended, and returns how many.
    pub(super) fn fail_promotions(&self) -> Result<usize, StoreError> {
        let sql = format!(
            "UPDATE promotions SET status = 'failed', reason = ?1, finished = ?2 WHERE {IS_UNFINISHED}"
        );
        Ok(self.connection().execute(&sql, [INTERRUPTED, &now()])?)
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<PromotionRecord> {
    Ok(PromotionRecord {
        id: row.get("id")?,
        status: row::enum_column(row, "status")?,
        model: row.get("model")?,
        version: row.get("version")?,
        previous: row.get("previous")?,
        dataset: row.get("dataset")?,
        split: row::enum_column(row, "split")?,
        limit: row.get("image_limit")?,
        min_accuracy: row.get("min_accuracy")?,
        max_regression: row.get("max_regression")?,
        baseline_version: row.get("baseline_version")?,
        sha256: row.get("sha256")?,
        candidate_evaluation_id: row.get("candidate_evaluation_id")?,
        baseline_evaluation_id: row.get("baseline_evaluation_id")?,
        done: row.get("done")?,
        total: row.get("total")?,
        result: row.get("result")?,
        reason: row.get("reason")?,
        request_id: row.get("request_id")?,
        created: row.get("created")?,
        finished: row.get("finished")?,
    })
}
