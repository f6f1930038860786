//! Evaluations: a file per request, and what the requests share.

pub mod compare;
pub mod create;
pub mod delete;
pub mod events;
pub mod get;
pub mod list;
pub mod predictions;
pub mod report;

use std::fmt::Display;

use mien_faces::dataset::Split;

use crate::{
    app::AppState,
    evaluation::Status,
    excerpt::Excerpt,
    http::{ApiError, error::Code},
    store::{EvaluationRecord, JobId},
};

const LIST_PATH: &str = "/v1/evaluations";
const ONE_PATH: &str = "/v1/evaluations/{id}";

/// The split of a request that does not name one.
pub(in crate::http::routes) const DEFAULT_SPLIT: Split = Split::Test;

/// Returns the record of a successful evaluation.
///
/// # Errors
/// Returns 404 for an unknown evaluation, and 409 with the reason for one without a report.
pub(super) async fn succeeded(state: &AppState, id: &str) -> Result<EvaluationRecord, ApiError> {
    let record = state
        .evaluations
        .record(parse(id)?)
        .await?
        .ok_or_else(|| unknown(id))?;
    let reason = match record.status {
        Status::Succeeded => return Ok(record),
        Status::Queued | Status::Running => "has not ended yet".to_owned(),
        Status::Cancelled => "was cancelled".to_owned(),
        Status::Failed => format!("failed: {}", record.error.unwrap_or_default()),
    };
    Err(ApiError::new(
        Code::Conflict,
        format!("the evaluation `{id}` {reason}"),
    ))
}

/// Parses an identifier. A text that is not an identifier is an unknown evaluation.
fn parse(id: &str) -> Result<JobId, ApiError> {
    id.parse().map_err(|_| unknown(id))
}

fn unknown(id: impl Display) -> ApiError {
    let id = id.to_string();
    let detail = format!(
        "unknown evaluation `{}`; it may have been removed",
        Excerpt(&id)
    );
    ApiError::new(Code::UnknownEvaluation, detail)
}
