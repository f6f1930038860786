//! `DELETE /v1/evaluations/{id}`.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{ONE_PATH, parse, unknown};
use crate::{
    app::AppState,
    evaluation::{EvaluationResponse, Purged},
    http::{ApiError, error::Code, headers::NO_STORE},
};

/// Query parameters of a deletion.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeleteQuery {
    /// Whether an ended evaluation is removed permanently with its predictions.
    #[serde(default)]
    #[param(default = false)]
    purge: bool,
}

/// Cancel or remove an evaluation.
///
/// The queued images of a running evaluation are cancelled. An ended evaluation is not changed; with `purge=true` it is
/// removed with its predictions. This is an admin request. Cancelling an evaluation of a pending promotion also ends the
/// promotion.
#[utoipa::path(
    delete, path = ONE_PATH, tag = "evaluations", operation_id = "deleteEvaluation",
    params(("id" = String, Path, description = "Identifier of the evaluation."), DeleteQuery),
    responses(
        (status = 200, description = "The current state of the evaluation.", body = EvaluationResponse),
        (status = 204, description = "`purge=true`: the evaluation was removed."),)
)]
pub async fn delete(
    id: web::Path<String>,
    query: web::Query<DeleteQuery>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    if !query.purge {
        let document = state.evaluations.cancel(parse(&id)?).await?;
        let document = document.ok_or_else(|| unknown(&id))?;
        return Ok(HttpResponse::Ok().insert_header(NO_STORE).json(document));
    }
    match state.evaluations.purge(parse(&id)?).await? {
        Purged::Removed => Ok(HttpResponse::NoContent().finish()),
        Purged::Unknown => Err(unknown(&id)),
        Purged::Unfinished => {
            let detail =
                "the evaluation is queued or running; cancel it first with DELETE without purge";
            Err(ApiError::new(Code::Conflict, detail))
        }
    }
}
