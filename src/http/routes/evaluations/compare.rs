//! `GET /v1/evaluations/compare`.

use actix_web::{HttpResponse, web};
use mien_faces::report::Prediction;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{succeeded, unknown};
use crate::{
    evaluation::{self, Compared},
    http::{ApiError, State, error::Problem},
};

pub(in crate::http::routes) const PATH: &str = "/v1/evaluations/compare";

/// Which evaluations are compared.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CompareQuery {
    /// The id of an evaluation.
    a: String,
    /// The id of another one.
    b: String,
}

/// Two evaluations on the same images: which model is better, and how sure that is.
///
/// The images that both have are compared. The difference of the accuracies has its 95 % interval for paired images
/// (Newcombe's method 10) and the p-value of McNemar's exact test; recall of each class, and the images that the two take
/// for different classes.
#[utoipa::path(get, path = PATH, tag = "evaluations", operation_id = "compareEvaluations",
    params(CompareQuery),
    responses(
        (status = 200, description = "The comparison.", body = Compared),
        (status = 400, description = "`invalid_request`: the query.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`unknown_evaluation`.",
            body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`conflict`: one has not succeeded, and why. `not_comparable`: they are on different data, or \
            have no image in common.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn compare(
    query: web::Query<CompareQuery>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let CompareQuery { a, b } = query.into_inner();
    Ok(HttpResponse::Ok().json(compared(&state, &a, &b).await?))
}

async fn compared(state: &State, a: &str, b: &str) -> Result<Compared, ApiError> {
    let (a, b) = (succeeded(state, a).await?, succeeded(state, b).await?);
    let (of_a, of_b) = (predictions(state, &a.id).await?, predictions(state, &b.id).await?);
    let compared = web::block(move || evaluation::compare((a, &of_a), (b, &of_b)));
    Ok(compared.await.map_err(ApiError::internal)??)
}

async fn predictions(state: &State, id: &str) -> Result<Vec<Prediction>, ApiError> {
    let of = id.to_owned();
    let predictions = state.evaluations.store().run(move |store| store.predictions(&of)).await?;
    // One that succeeded has some, until it is removed.
    if predictions.is_empty() { Err(unknown(id)) } else { Ok(predictions) }
}
