//! `GET /v1/evaluations/compare`.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use mien_faces::report::Predictions;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{succeeded, unknown};
use crate::{
    app::AppState,
    evaluation::{
        self, Compared, Datasets,
        report::{self, FaceImages, Side},
    },
    http::{ApiError, ReportFormat},
    notice::Notice,
    store::JobId,
};

const PATH: &str = "/v1/evaluations/compare";

/// Query parameters of a comparison.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CompareQuery {
    /// Identifier of the first evaluation.
    a: String,
    /// Identifier of the second evaluation.
    b: String,
    /// Format of the comparison; it has priority over `Accept`.
    #[param(inline)]
    format: Option<ReportFormat>,
}

/// Compare two evaluations on the same images.
///
/// The comparison uses the images of both evaluations. It contains the difference of the accuracies with its 95 % interval for
/// paired images (Newcombe's method 10) and the p-value of McNemar's exact test. It also contains the recall per class, the
/// difference per group and the images with different predictions. HTML is one self-contained page.
#[utoipa::path(get, path = PATH, tag = "evaluations", operation_id = "compareEvaluations",
    params(CompareQuery),
    responses(
        (status = 200, description = "The comparison in the format that `format` or `Accept` selects, by default JSON.",
            content((Compared = "application/json"), (String = "text/html"), (String = "text/markdown"))),
    )
)]
pub async fn compare(
    query: web::Query<CompareQuery>,
    request: HttpRequest,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let CompareQuery { a, b, format } = query.into_inner();
    let format = ReportFormat::select(&request, format)?;
    let _permit = state.reports.acquire().await.map_err(ApiError::internal)?;
    let compared = compared(&state, &a, &b).await?;
    let datasets = Arc::clone(&state.datasets);
    let notice = state.notice.clone();
    let rendered = web::block(move || render(format, &compared, notice, &datasets));
    Ok(format.response("comparison", rendered.await.map_err(ApiError::internal)??))
}

/// Renders the report. This blocks, because it reads the faces that the report shows.
fn render(
    format: ReportFormat,
    compared: &Compared,
    notice: Option<Notice>,
    datasets: &Datasets,
) -> Result<String, ApiError> {
    let Compared {
        evaluation_a,
        evaluation_b,
        comparison,
    } = compared;
    let [mut a, b] = [evaluation_a, evaluation_b].map(Side::from);
    if let Some(subject) = &mut a.subject {
        subject.notice = notice;
    }
    let find = |image: &str| datasets.image(&evaluation_a.dataset, image).cloned();
    Ok(match format {
        ReportFormat::Json => serde_json::to_string(compared).map_err(ApiError::internal)?,
        ReportFormat::Markdown => report::comparison_markdown(&a, &b, comparison),
        ReportFormat::Html => {
            let faces = FaceImages::of_comparison(comparison, find);
            report::comparison_html(&a, &b, comparison, &faces)
        }
    })
}

async fn compared(state: &AppState, a: &str, b: &str) -> Result<Compared, ApiError> {
    let (a, b) = (succeeded(state, a).await?, succeeded(state, b).await?);
    let (of_a, of_b) = (
        predictions(state, a.id).await?,
        predictions(state, b.id).await?,
    );
    let compared = web::block(move || evaluation::compare((a, &of_a), (b, &of_b)));
    Ok(compared.await.map_err(ApiError::internal)??)
}

async fn predictions(state: &AppState, id: JobId) -> Result<Predictions, ApiError> {
    let predictions = state
        .evaluations
        .store()
        .run(move |store| store.predictions(id))
        .await?;
    // A successful evaluation has predictions until it is removed.
    if predictions.images.is_empty() {
        Err(unknown(id))
    } else {
        Ok(predictions)
    }
}
