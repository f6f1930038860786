//! Promotion records.

mod record;

use rusqlite::{OptionalExtension, params, params_from_iter};

pub use self::record::{PromotionRecord, PromotionStatus};
use super::{
    INTERRUPTED, JobId, Store, StoreError,
    pins::{self, Pin},
    row,
    table::Table,
};
use crate::timestamp::Timestamp;

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
        self.write_promotion(&PromotionRecord::insert_sql(), record, pin)
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
        self.write_promotion(&PromotionRecord::update_sql(), record, pin)
    }

    fn write_promotion(
        &self,
        sql: &str,
        record: &PromotionRecord,
        pin: Option<&Pin>,
    ) -> Result<(), StoreError> {
        self.write(|connection| {
            let transaction = connection.transaction()?;
            transaction.execute(sql, params_from_iter(record.values()))?;
            if let Some(pin) = pin {
                pins::set(&transaction, pin)?;
            }
            transaction.commit()
        })
    }

    /// Returns the promotion with this identifier.
    ///
    /// # Errors
    /// Returns an error if SQLite fails.
    pub fn promotion(&self, id: JobId) -> Result<Option<PromotionRecord>, StoreError> {
        let columns = PromotionRecord::column_list();
        let sql = format!("SELECT {columns} FROM promotions WHERE id = ?1");
        self.read(|connection| {
            connection
                .query_row(&sql, [id.to_string()], PromotionRecord::from_row)
                .optional()
        })
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
        let columns = PromotionRecord::column_list();
        self.read(|connection| {
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {columns} FROM promotions WHERE ?1 IS NULL OR model = ?1 ORDER BY seq DESC LIMIT ?2",
        ))?;
        let rows = statement.query_map(
            params![model, row::to_i64(limit)],
            PromotionRecord::from_row,
        )?;
        rows.collect()
        })
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
        self.write(|connection| connection.execute(&sql, [row::to_i64(retention)]))
    }

    /// Marks promotions as failed that were pending when the last server ended, and returns how many.
    pub(super) fn fail_promotions(&self) -> Result<usize, StoreError> {
        let sql = format!(
            "UPDATE promotions SET status = 'failed', reason = ?1, finished = ?2 WHERE {IS_UNFINISHED}"
        );
        let now = Timestamp::now().to_string();
        self.write(|connection| connection.execute(&sql, [INTERRUPTED, &now]))
    }
}
