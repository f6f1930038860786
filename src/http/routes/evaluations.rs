//! `POST /v1/evaluations`, `GET /v1/evaluations`, `GET` and `DELETE /v1/evaluations/{id}`.

pub mod compare;
pub mod events;
pub mod predictions;
pub mod report;

use std::num::NonZeroUsize;

use actix_web::{HttpResponse, http::header, web};
use mien_faces::dataset::Split;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    evaluation::{EvaluationListItem, EvaluationResponse, EvaluationSpec, Purged, Status},
    http::{
        Admin, ApiError, State,
        error::{Code, Problem},
        middleware::RequestId,
        version::Version,
    },
    store::{EvaluationFilter, EvaluationRecord},
};

pub(super) const LIST_PATH: &str = "/v1/evaluations";
pub(super) const ONE_PATH: &str = "/v1/evaluations/{id}";

/// What to evaluate.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvaluationRequest {
    /// A data set of the server, as `--data` names it.
    #[schema(example = "fer2013")]
    dataset: String,
    /// Which images: `test` (all of them), `train`, `PublicTest` or `PrivateTest`.
    #[serde(default = "whole_test")]
    #[schema(value_type = String, default = "test", example = "test")]
    split: Split,
    /// The model's name; without it the default model.
    #[schema(example = "resnet-20-v1")]
    model: Option<String>,
    /// The model's version; without it the pinned one, else the highest that serves.
    #[schema(value_type = Option<String>, example = "1")]
    version: Option<Version>,
    /// At most so many images: the same ones each time, every class in proportion.
    #[schema(value_type = Option<usize>, minimum = 1, example = 700)]
    limit: Option<NonZeroUsize>,
}

pub(super) fn whole_test() -> Split {
    Split::Test
}

/// Which evaluations are listed: those that have every value that is given.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// The model's name.
    #[param(example = "resnet-20-v1")]
    model: Option<String>,
    /// The model's version.
    #[param(example = "1")]
    version: Option<String>,
    /// The data set's name.
    #[param(example = "fer2013")]
    dataset: Option<String>,
    /// The split: `test`, `train`, `PublicTest` or `PrivateTest`.
    #[param(value_type = Option<String>, example = "test")]
    split: Option<Split>,
    /// Where they stand.
    #[param(inline)]
    status: Option<Status>,
    /// At most so many.
    #[serde(default = "most_listed")]
    #[param(value_type = usize, minimum = 1, default = 100)]
    limit: NonZeroUsize,
}

pub(super) fn most_listed() -> NonZeroUsize {
    const { NonZeroUsize::new(100).expect("100 is not 0") }
}

/// How an evaluation is deleted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeleteQuery {
    /// Whether an evaluation that has ended is removed for good, with its predictions.
    #[serde(default)]
    #[param(default = false)]
    purge: bool,
}

/// The evaluations of the server.
#[derive(Debug, Serialize, ToSchema)]
pub struct EvaluationList {
    /// Newest first.
    evaluations: Vec<EvaluationListItem>,
}

/// Evaluates a model on a data set of the server.
///
/// The images go through the same queue and workers as those of clients, a few at a time, in the
/// background. `Location` tells where the progress and the report will be. Several may run at once.
#[utoipa::path(
    post, path = LIST_PATH, tag = "evaluations", operation_id = "createEvaluation",
    request_body = EvaluationRequest,
    responses(
        (status = 202, description = "Taken; it runs, or waits for another one to end.", body = EvaluationResponse,
            headers(("Location" = String, description = "Where it is."))),
        (status = 400, description = "`invalid_request`: the body, an empty split, or a model with other labels.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`unknown_dataset`, `unknown_model` or `unknown_version`.",
            body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`: the body is no JSON.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`overloaded`: too many evaluations wait already. `model_loading`: the model does not serve yet. \
            `shutting_down`: the server is shutting down.",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u64, description = "Seconds, at least 1."))),
    )
)]
pub async fn create(
    request: web::Json<EvaluationRequest>,
    id: web::ReqData<RequestId>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let EvaluationRequest { dataset, split, model, version, limit } = request.into_inner();
    let version = version.map(Version::into_text);
    let model = state.registry.resolve(model.as_deref(), version.as_deref())?;
    let request_id = Some(id.as_str().to_owned());
    let order = EvaluationSpec { dataset, split, limit, request_id };
    let job = state.evaluations.start(order, model).await?;
    let location = format!("{LIST_PATH}/{}", job.id());
    let document = EvaluationResponse::from(job.record());
    Ok(HttpResponse::Accepted().insert_header((header::LOCATION, location)).json(document))
}

/// The evaluations: those that wait or run, and those that are kept.
#[utoipa::path(get, path = LIST_PATH, tag = "evaluations", operation_id = "listEvaluations",
    params(ListQuery),
    responses(
        (status = 200, description = "The evaluations.", body = EvaluationList),
        (status = 400, description = "`invalid_request`: the query.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    query: web::Query<ListQuery>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let ListQuery { model, version, dataset, split, status, limit } = query.into_inner();
    let filter = EvaluationFilter { model, version, dataset, split, status };
    let evaluations = state.evaluations.list(filter, limit.get()).await?;
    Ok(HttpResponse::Ok().json(EvaluationList { evaluations }))
}

/// One evaluation: how far it is, and its report once it succeeded.
#[utoipa::path(
    get, path = ONE_PATH, tag = "evaluations", operation_id = "getEvaluation",
    params(("id" = String, Path, description = "The evaluation's id.")),
    responses(
        (status = 200, description = "The evaluation.", body = EvaluationResponse),
        (status = 404, description = "`unknown_evaluation`.",
            body = Problem, content_type = "application/problem+json"))
)]
pub async fn one(id: web::Path<String>, state: web::Data<State>) -> Result<HttpResponse, ApiError> {
    let document = state.evaluations.get(&id).await?.ok_or_else(|| unknown(&id))?;
    Ok(HttpResponse::Ok().json(document))
}

/// Cancels an evaluation, or removes it.
///
/// Its images leave the queue. One that has ended stays as it is; with `purge=true` it is removed with its predictions,
/// which is an order as loading a model is. So is the cancel of one that a promotion waits for.
#[utoipa::path(
    delete, path = ONE_PATH, tag = "evaluations", operation_id = "deleteEvaluation",
    params(("id" = String, Path, description = "The evaluation's id."), DeleteQuery),
    responses(
        (status = 200, description = "The evaluation as it is now.", body = EvaluationResponse),
        (status = 204, description = "`purge=true`: it is removed."),
        (status = 401, description = "An order, `unauthorized`: the admin token is not there or another one.",
            body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "An order, `forbidden`: orders are not taken here, or not from this page.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`unknown_evaluation`.",
            body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`purge=true`, `conflict`: it waits or runs; cancel it first.",
            body = Problem, content_type = "application/problem+json"))
)]
pub async fn delete(
    id: web::Path<String>,
    query: web::Query<DeleteQuery>,
    admin: Result<Admin, ApiError>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    if !query.purge {
        if state.promotions.depends_on(&id) {
            // Its end is that of the promotion.
            admin?;
        }
        let document = state.evaluations.cancel(&id).await?.ok_or_else(|| unknown(&id))?;
        return Ok(HttpResponse::Ok().json(document));
    }
    admin?;
    match state.evaluations.purge(&id).await? {
        Purged::Removed => Ok(HttpResponse::NoContent().finish()),
        Purged::Unknown => Err(unknown(&id)),
        Purged::Unfinished => {
            let detail = "the evaluation waits or runs; cancel it first, with DELETE without purge";
            Err(ApiError::new(Code::Conflict, detail))
        }
    }
}

/// The record of an evaluation that succeeded.
///
/// # Errors
/// 404 for one that is not there, 409 for one that has no report, saying why.
pub(super) async fn succeeded(state: &State, id: &str) -> Result<EvaluationRecord, ApiError> {
    let record = state.evaluations.record(id).await?.ok_or_else(|| unknown(id))?;
    let reason = match record.status {
        Status::Succeeded => return Ok(record),
        Status::Queued | Status::Running => "has not ended yet".to_owned(),
        Status::Cancelled => "was cancelled".to_owned(),
        Status::Failed => format!("failed: {}", record.error.unwrap_or_default()),
    };
    Err(ApiError::new(Code::Conflict, format!("the evaluation `{id}` {reason}")))
}

fn unknown(id: &str) -> ApiError {
    let detail = format!("there is no evaluation `{id}`, or it is no longer kept");
    ApiError::new(Code::UnknownEvaluation, detail)
}
