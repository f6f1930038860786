//! `GET /v1/evaluations/{id}`.

use actix_web::{HttpResponse, web};

use super::{ONE_PATH, parse, unknown};
use crate::{
    app::AppState,
    evaluation::EvaluationResponse,
    http::{ApiError, headers::NO_STORE},
};

/// Return an evaluation with its progress, and with its report if it succeeded.
#[utoipa::path(
    get, path = ONE_PATH, tag = "evaluations", operation_id = "getEvaluation",
    params(("id" = String, Path, description = "Identifier of the evaluation.")),
    responses(
        (status = 200, description = "The evaluation.", body = EvaluationResponse),)
)]
pub async fn get(
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let document = state.evaluations.get(parse(&id)?).await?;
    let document = document.ok_or_else(|| unknown(&id))?;
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(document))
}
