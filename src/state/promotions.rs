//! Promotions: a version that takes the traffic if it passes an evaluation.

use std::str::FromStr;

use mien_faces::dataset::Split;
use rusqlite::{OptionalExtension, Row, named_params, params};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    INTERRUPTED, Store, StoreError, now,
    pins::{self, Pin},
    row,
    row::UnknownWord,
};

/// Where a promotion stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PromotionStatus {
    /// It has not begun.
    Queued,
    /// The candidate is being loaded.
    Loading,
    /// Images are going through the candidate.
    Evaluating,
    /// The candidate passed and serves.
    Promoted,
    /// The candidate fell short; the version before it serves on.
    Rejected,
    /// It could not be decided; the version before serves on.
    Failed,
    /// A client, or the end of the server, ended it.
    Cancelled,
}

impl PromotionStatus {
    const ALL: [Self; 7] = [
        Self::Queued,
        Self::Loading,
        Self::Evaluating,
        Self::Promoted,
        Self::Rejected,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Its name in documents and in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Loading => "loading",
            Self::Evaluating => "evaluating",
            Self::Promoted => "promoted",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing will change any more.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Loading | Self::Evaluating)
    }
}

impl FromStr for PromotionStatus {
    type Err = UnknownWord;

    fn from_str(name: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.into_iter().find(|status| status.name() == name);
        found.ok_or_else(|| UnknownWord(name.to_owned()))
    }
}

/// A promotion as it is kept. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq)]
pub struct PromotionRecord {
    /// A UUID.
    pub id: String,
    /// Where it stands.
    pub status: PromotionStatus,
    /// The model's name.
    pub model: String,
    /// The version that is to serve.
    pub version: String,
    /// The version that served when it began, where one did.
    pub previous: Option<String>,
    /// The data set's name.
    pub dataset: String,
    /// Which images of it.
    pub split: Split,
    /// The most images to take, where that was asked for.
    pub limit: Option<usize>,
    /// The accuracy, 0 to 1, that the candidate must reach.
    pub at_least: Option<f64>,
    /// By how much accuracy, 0 to 1, the candidate may be worse.
    pub not_worse_by: Option<f64>,
    /// The version that it may not be worse than by so much.
    pub against: Option<String>,
    /// SHA-256 of the candidate's file, 64 hex digits, once it is loaded.
    pub sha256: Option<String>,
    /// The id of the candidate's evaluation.
    pub candidate: Option<String>,
    /// The id of the evaluation of the version that it is judged against.
    pub serving: Option<String>,
    /// Images that are through.
    pub done: usize,
    /// Images of its evaluations.
    pub total: usize,
    /// What was measured, as JSON.
    pub result: Option<String>,
    /// Why it ended as it did, for people.
    pub reason: Option<String>,
    /// The id of the request that ordered it.
    pub request_id: Option<String>,
    /// When it was ordered.
    pub created: String,
    /// When it ended.
    pub finished: Option<String>,
}

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
            "INSERT INTO promotions (id, status, model, version, previous, dataset, split, image_limit, at_least, \
            not_worse_by, against, sha256, candidate, serving, done, total, result, reason, request_id, created, finished) \
            VALUES (:id, :status, :model, :version, :previous, :dataset, :split, :image_limit, :at_least, \
            :not_worse_by, :against, :sha256, :candidate, :serving, :done, :total, :result, :reason, :request_id, \
            :created, :finished)",
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
            dataset = :dataset, split = :split, image_limit = :image_limit, at_least = :at_least, \
            not_worse_by = :not_worse_by, against = :against, sha256 = :sha256, candidate = :candidate, serving = :serving, done = :done, total = :total, \
            result = :result, reason = :reason, request_id = :request_id, created = :created, finished = :finished \
            WHERE id = :id",
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
                ":image_limit": r.limit.map(row::integer), ":at_least": r.at_least, ":not_worse_by": r.not_worse_by,
                ":against": r.against, ":sha256": r.sha256, ":candidate": r.candidate, ":serving": r.serving, ":done": r.done, ":total": r.total,
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
            "SELECT * FROM promotions WHERE ?1 IS NULL OR model = ?1 ORDER BY number DESC LIMIT ?2",
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
            "DELETE FROM promotions WHERE number IN (SELECT number FROM promotions WHERE NOT {IS_UNFINISHED} \
            ORDER BY number DESC LIMIT -1 OFFSET ?1)"
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
        at_least: row.get("at_least")?,
        not_worse_by: row.get("not_worse_by")?,
        against: row.get("against")?,
        sha256: row.get("sha256")?,
        candidate: row.get("candidate")?,
        serving: row.get("serving")?,
        done: row.get("done")?,
        total: row.get("total")?,
        result: row.get("result")?,
        reason: row.get("reason")?,
        request_id: row.get("request_id")?,
        created: row.get("created")?,
        finished: row.get("finished")?,
    })
}
