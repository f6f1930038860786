//! `POST /v1/evaluations`, `GET /v1/evaluations`, `GET` and `DELETE /v1/evaluations/{id}`.

use std::{num::NonZeroUsize, sync::Arc};

use actix_web::{HttpResponse, http::header, web};
use mien_faces::dataset::Split;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    evaluation::{Document, Job, Order},
    http::{
        ApiError, State,
        error::{Code, Problem},
    },
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
    /// The model's version; without it the highest that serves.
    #[schema(value_type = Option<String>, example = "1")]
    version: Option<Version>,
    /// At most so many images: the same ones each time, every class in proportion.
    #[schema(value_type = Option<usize>, minimum = 1, example = 700)]
    limit: Option<NonZeroUsize>,
}

fn whole_test() -> Split {
    Split::Test
}

/// A version as the API writes it, or as a number.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a version is text or a number")]
enum Version {
    Text(String),
    Number(u64),
}

/// The evaluations that the server remembers.
#[derive(Debug, Serialize, ToSchema)]
pub struct EvaluationList {
    /// Newest first.
    evaluations: Vec<Document>,
}

/// Evaluates a model on a data set of the server.
///
/// The images go through the same queue and workers as those of clients, a few at a time, in the
/// background. `Location` tells where the progress and the report will be. Several may run at once.
#[utoipa::path(
    post, path = LIST_PATH, tag = "evaluations", operation_id = "createEvaluation",
    request_body = EvaluationRequest,
    responses(
        (status = 202, description = "Taken; it runs, or waits for another one to end.", body = Document,
            headers(("Location" = String, description = "Where it is."))),
        (status = 400, description = "`invalid_request`: the body, an empty split, or a model with other labels.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`unknown_dataset`, `unknown_model` or `unknown_version`.",
            body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`: the body is no JSON.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`overloaded`: too many evaluations wait already. `model_loading`: the model does not serve yet.",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u64, description = "Seconds, at least 1."))),
    )
)]
pub async fn create(
    request: web::Json<EvaluationRequest>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let EvaluationRequest { dataset, split, model, version, limit } = request.into_inner();
    let version = version.map(|version| match version {
        Version::Text(text) => text,
        Version::Number(number) => number.to_string(),
    });
    let model = state.registry.resolve(model.as_deref(), version.as_deref())?;
    let job = state.evaluations.start(Order { dataset, split, limit }, model)?;
    let location = format!("{LIST_PATH}/{}", job.id());
    Ok(HttpResponse::Accepted().insert_header((header::LOCATION, location)).json(job.document()))
}

/// Every evaluation that the server remembers: those that wait or run, and the last that ended.
#[utoipa::path(get, path = LIST_PATH, tag = "evaluations", operation_id = "listEvaluations",
    responses((status = 200, description = "The evaluations.", body = EvaluationList)))]
pub async fn list(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(EvaluationList { evaluations: state.evaluations.list() })
}

/// One evaluation: how far it is, and its report once it succeeded.
#[utoipa::path(
    get, path = ONE_PATH, tag = "evaluations", operation_id = "getEvaluation",
    params(("id" = String, Path, description = "The evaluation's id.")),
    responses(
        (status = 200, description = "The evaluation.", body = Document),
        (status = 404, description = "`unknown_evaluation`.",
            body = Problem, content_type = "application/problem+json"))
)]
pub async fn one(id: web::Path<String>, state: web::Data<State>) -> Result<HttpResponse, ApiError> {
    answer(&id, state.evaluations.get(&id))
}

/// Cancels an evaluation.
///
/// Its images leave the queue. One that has ended stays as it is.
#[utoipa::path(
    delete, path = ONE_PATH, tag = "evaluations", operation_id = "cancelEvaluation",
    params(("id" = String, Path, description = "The evaluation's id.")),
    responses(
        (status = 200, description = "The evaluation as it is now.", body = Document),
        (status = 404, description = "`unknown_evaluation`.",
            body = Problem, content_type = "application/problem+json"))
)]
pub async fn cancel(
    id: web::Path<String>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    answer(&id, state.evaluations.cancel(&id))
}

fn answer(id: &str, job: Option<Arc<Job>>) -> Result<HttpResponse, ApiError> {
    let unknown = || {
        let detail = format!("there is no evaluation `{id}`, or it is no longer remembered");
        ApiError::new(Code::UnknownEvaluation, detail)
    };
    Ok(HttpResponse::Ok().json(job.ok_or_else(unknown)?.document()))
}
