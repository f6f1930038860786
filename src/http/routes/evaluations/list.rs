//! `GET /v1/evaluations`.

use actix_web::{HttpResponse, web};
use mien_faces::dataset::Split;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::LIST_PATH;
use crate::{
    app::AppState,
    evaluation::{EvaluationListItem, Status},
    http::{ApiError, extract::ListLimit, headers::NO_STORE},
    store::EvaluationFilter,
};

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
    #[serde(default)]
    #[param(value_type = usize, minimum = 1, maximum = 10_000, default = 100)]
    limit: ListLimit,
}

/// All evaluations.
#[derive(Debug, Serialize, ToSchema)]
pub struct EvaluationList {
    /// Evaluations, newest first.
    evaluations: Vec<EvaluationListItem>,
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
        return Ok(response(Vec::new()));
    };
    let filter = EvaluationFilter {
        model,
        version,
        dataset,
        split,
        status,
    };
    let evaluations = state.evaluations.list(filter, limit.get()).await?;
    Ok(response(evaluations))
}

fn response(evaluations: Vec<EvaluationListItem>) -> HttpResponse {
    let list = EvaluationList { evaluations };
    HttpResponse::Ok().insert_header(NO_STORE).json(list)
}
