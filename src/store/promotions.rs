//! Promotions: a version that takes the traffic if it passes an evaluation.

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
    /// Keeps a new promotion and, where given, a pin with it: both or neither.
    ///
    /// # Errors
    /// When SQLite fails.
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

    /// Writes a promotion over what is kept of it and, where given, a pin with it: both or neither.
    ///
    /// # Errors
    /// When SQLite fails.
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
                ":image_limit": r.limit.map(row::integer), ":min_accuracy": r.min_accuracy, ":max_regression": r.max_regression,
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

    /// The promotion of an id.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn promotion(&self, id: &str) -> Result<Option<PromotionRecord>, StoreError> {
        let sql = "SELECT * FROM promotions WHERE id = ?1";
        Ok(self.connection().query_row(sql, [id], record).optional()?)
    }

    /// The promotions, of one model where it is named, newest first, at most `limit`.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn promotions(
        &self,
        model: Option<&str>,
        limit: usize,
    ) -> Result<Vec<PromotionRecord>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT * FROM promotions WHERE ?1 IS NULL OR model = ?1 ORDER BY seq DESC LIMIT ?2",
        )?;
        let rows = statement.query_map(params![model, row::integer(limit)], record)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Removes the oldest promotions that have ended, so that at most `keep` of these remain; how many went.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn prune_promotions(&self, keep: usize) -> Result<usize, StoreError> {
        let sql = format!(
            "DELETE FROM promotions WHERE seq IN (SELECT seq FROM promotions WHERE NOT {IS_UNFINISHED} \
            ORDER BY seq DESC LIMIT -1 OFFSET ?1)"
        );
        Ok(self.connection().execute(&sql, [row::integer(keep)])?)
    }

    /// Marks what no server works on any more; how many.
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
        status: row::word(row, "status")?,
        model: row.get("model")?,
        version: row.get("version")?,
        previous: row.get("previous")?,
        dataset: row.get("dataset")?,
        split: row::word(row, "split")?,
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
