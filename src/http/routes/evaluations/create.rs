//! `POST /v1/evaluations`.

use actix_web::{HttpResponse, http::header, web};
use mien_faces::dataset::Split;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{DEFAULT_SPLIT, LIST_PATH};
use crate::{
    app::AppState,
    evaluation::{EvaluationResponse, EvaluationSpec},
    http::{
        ApiError,
        extract::{ImageLimit, JsonBody, Version},
        middleware::RequestId,
    },
    jobs::Job as _,
};

/// Request body of an evaluation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvaluationRequest {
    /// Name of a data set in `--data`.
    #[schema(example = "fer2013")]
    dataset: String,
    /// Split: `test` (all test images), `train`, `PublicTest` or `PrivateTest`.
    #[schema(value_type = Option<String>, default = "test", example = "test")]
    split: Option<Split>,
    /// Name or alias of the model; by default the default model.
    #[schema(example = "resnet-20-v1")]
    model: Option<String>,
    /// Version of the model; by default the pinned version, otherwise the highest loaded version.
    #[schema(value_type = Option<String>, example = "1")]
    version: Option<Version>,
    /// Maximum number of images. The same images are chosen each time, every class in proportion.
    #[schema(value_type = Option<usize>, minimum = 1, maximum = 10_000_000, example = 700)]
    limit: Option<ImageLimit>,
}

/// Evaluate a model on a data set of the server.
///
/// The images go through the same queue and workers as client requests, at background priority. `Location` is the path of the
/// progress and the report. Several evaluations can run at once. This is an admin request.
#[utoipa::path(
    post, path = LIST_PATH, tag = "evaluations", operation_id = "createEvaluation",
    request_body = EvaluationRequest,
    responses(
        (status = 202, description = "The evaluation is queued or running.", body = EvaluationResponse,
            headers(("Location" = String, description = "Path of the new resource."))),
    )
)]
pub async fn create(
    JsonBody(request): JsonBody<EvaluationRequest>,
    id: web::ReqData<RequestId>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let EvaluationRequest {
        dataset,
        split,
        model,
        version,
        limit,
    } = request;
    let version = version.map(Version::into_text);
    let model = state
        .registry
        .resolve(model.as_deref(), version.as_deref())?;
    let request_id = Some(id.as_str().to_owned());
    let spec = EvaluationSpec {
        dataset,
        split: split.unwrap_or(DEFAULT_SPLIT),
        limit: limit.map(Into::into),
        request_id,
    };
    let job = state.evaluations.start(spec, model).await?;
    let location = format!("{LIST_PATH}/{}", job.id());
    let document = EvaluationResponse::from(job.record());
    Ok(HttpResponse::Accepted()
        .insert_header((header::LOCATION, location))
        .json(document))
}
