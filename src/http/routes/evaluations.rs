//! `POST /v1/evaluations`, `GET /v1/evaluations`, `GET` and `DELETE /v1/evaluations/{id}`.

pub mod compare;
pub mod events;
pub mod predictions;
pub mod report;

use std::{fmt::Display, num::NonZeroUsize};

use actix_web::{HttpResponse, http::header, web};
use mien_faces::dataset::Split;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::AppState,
    evaluation::{EvaluationListItem, EvaluationResponse, EvaluationSpec, Purged, Status},
    http::{Admin, ApiError, error::Code, extract::Version, middleware::RequestId},
    jobs::Job as _,
    store::{EvaluationFilter, EvaluationRecord, JobId},
};

const LIST_PATH: &str = "/v1/evaluations";
const ONE_PATH: &str = "/v1/evaluations/{id}";

/// Request body of an evaluation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvaluationRequest {
    /// Name of a data set in `--data`.
    #[schema(example = "fer2013")]
    dataset: String,
    /// Split: `test` (all test images), `train`, `PublicTest` or `PrivateTest`.
    #[serde(default = "default_split")]
    #[schema(value_type = String, default = "test", example = "test")]
    split: Split,
    /// Name or alias of the model; by default the default model.
    #[schema(example = "resnet-20-v1")]
    model: Option<String>,
    /// Version of the model; by default the pinned version, otherwise the highest loaded version.
    #[schema(value_type = Option<String>, example = "1")]
    version: Option<Version>,
    /// Maximum number of images. The same images are chosen each time, every class in proportion.
    #[schema(value_type = Option<usize>, minimum = 1, example = 700)]
    limit: Option<NonZeroUsize>,
}

pub(super) fn default_split() -> Split {
    Split::Test
}

/// Query parameters of a list. The list contains the evaluations that match all given values.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Name of the model.
    #[param(example = "resnet-20-v1")]
    model: Option<String>,
    /// Version of the model.
    #[param(example = "1")]
    version: Option<String>,
    /// Name of the data set.
    #[param(example = "fer2013")]
    dataset: Option<String>,
    /// Split: `test`, `train`, `PublicTest` or `PrivateTest`.
    #[param(value_type = Option<String>, example = "test")]
    split: Option<Split>,
    /// Status of the evaluations.
    #[param(inline)]
    status: Option<Status>,
    /// Maximum number of entries.
    #[serde(default = "default_limit")]
    #[param(value_type = usize, minimum = 1, default = 100)]
    limit: NonZeroUsize,
}

pub(super) fn default_limit() -> NonZeroUsize {
    const { NonZeroUsize::new(100).expect("100 is not 0") }
}

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

/// All evaluations.
#[derive(Debug, Serialize, ToSchema)]
pub struct EvaluationList {
    /// Evaluations, newest first.
    evaluations: Vec<EvaluationListItem>,
}

/// Evaluate a model on a data set of the server.
///
/// The images go through the same queue and workers as client requests, at background priority. `Location` is the path of the
/// progress and the report. Several evaluations can run at once.
#[utoipa::path(
    post, path = LIST_PATH, tag = "evaluations", operation_id = "createEvaluation",
    request_body = EvaluationRequest,
    responses(
        (status = 202, description = "The evaluation is queued or running.", body = EvaluationResponse,
            headers(("Location" = String, description = "Path of the new resource."))),
    )
)]
pub async fn create(
    request: web::Json<EvaluationRequest>,
    id: web::ReqData<RequestId>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let EvaluationRequest {
        dataset,
        split,
        model,
        version,
        limit,
    } = request.into_inner();
    let version = version.map(Version::into_text);
    let model = state
        .registry
        .resolve(model.as_deref(), version.as_deref())?;
    let request_id = Some(id.as_str().to_owned());
    let spec = EvaluationSpec {
        dataset,
        split,
        limit,
        request_id,
    };
    let job = state.evaluations.start(spec, model).await?;
    let location = format!("{LIST_PATH}/{}", job.id());
    let document = EvaluationResponse::from(job.record());
    Ok(HttpResponse::Accepted()
        .insert_header((header::LOCATION, location))
        .json(document))
}

/// List evaluations: queued, running and stored ones.
#[utoipa::path(get, path = LIST_PATH, tag = "evaluations", operation_id = "listEvaluations",
    params(ListQuery),
    responses(
        (status = 200, description = "The evaluations.", body = EvaluationList),
    )
)]
pub async fn list(
    query: web::Query<ListQuery>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let ListQuery {
        model,
        version,
        dataset,
        split,
        status,
        limit,
    } = query.into_inner();
    let Ok(version) = version.map(|version| version.parse()).transpose() else {
        // The text is not a version, so it matches no evaluation.
        let evaluations = Vec::new();
        return Ok(HttpResponse::Ok().json(EvaluationList { evaluations }));
    };
    let filter = EvaluationFilter {
        model,
        version,
        dataset,
        split,
        status,
    };
    let evaluations = state.evaluations.list(filter, limit.get()).await?;
    Ok(HttpResponse::Ok().json(EvaluationList { evaluations }))
}

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
    Ok(HttpResponse::Ok().json(document))
}

/// Cancel or remove an evaluation.
///
/// The queued images of a running evaluation are cancelled. An ended evaluation is not changed; with `purge=true` it is
/// removed with its predictions, which is an admin request. Cancelling an evaluation of a pending promotion is an admin request
/// too.
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
    admin: Result<Admin, ApiError>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    if !query.purge {
        let parsed = parse(&id)?;
        if state.promotions.depends_on(parsed) {
            // Cancelling the evaluation also ends the promotion.
            admin?;
        }
        let document = state.evaluations.cancel(parsed).await?;
        let document = document.ok_or_else(|| unknown(&id))?;
        return Ok(HttpResponse::Ok().json(document));
    }
    admin?;
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
    let detail = format!("unknown evaluation `{id}`; it may have been removed");
    ApiError::new(Code::UnknownEvaluation, detail)
}
