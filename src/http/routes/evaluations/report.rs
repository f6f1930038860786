//! `GET /v1/evaluations/{id}/report`.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::IntoParams;

use super::succeeded;
use crate::{
    app::AppState,
    evaluation::{
        Datasets, Evaluation, EvaluationInfo, EvaluationResponse,
        report::{self, FaceImages, Subject},
    },
    http::{ApiError, ReportFormat},
    notice::Notice,
    store::EvaluationRecord,
};

const PATH: &str = "/v1/evaluations/{id}/report";

/// Query parameters of a report.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReportQuery {
    /// Format of the report; it has priority over `Accept`.
    #[param(inline)]
    format: Option<ReportFormat>,
}

/// Return the report of an evaluation.
///
/// HTML is one self-contained page with charts and the faces of the most confident mistakes. It runs no script and can be
/// printed. Markdown contains the same tables. JSON is the same as `GET /v1/evaluations/{id}`.
#[utoipa::path(get, path = PATH, tag = "evaluations", operation_id = "getReport",
    params(("id" = String, Path, description = "Identifier of the evaluation."), ReportQuery),
    responses(
        (status = 200, description = "The report in the format that `format` or `Accept` selects, by default JSON.",
            content((EvaluationResponse = "application/json"), (String = "text/html"), (String = "text/markdown"))),
    )
)]
pub async fn report(
    id: web::Path<String>,
    query: web::Query<ReportQuery>,
    request: HttpRequest,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let format = ReportFormat::select(&request, query.format)?;
    let _permit = state.reports.acquire().await.map_err(ApiError::internal)?;
    let record = succeeded(&state, &id).await?;
    let name = format!("evaluation-{}", record.id);
    let datasets = Arc::clone(&state.datasets);
    let notice = state.notice.clone();
    let rendered = web::block(move || render(format, record, notice, &datasets));
    Ok(format.response(&name, rendered.await.map_err(ApiError::internal)??))
}

/// Renders the report. This blocks, because it reads the faces that the report shows.
fn render(
    format: ReportFormat,
    record: EvaluationRecord,
    notice: Option<Notice>,
    datasets: &Datasets,
) -> Result<String, ApiError> {
    if format == ReportFormat::Json {
        return serde_json::to_string(&EvaluationResponse::from(record))
            .map_err(ApiError::internal);
    }
    let evaluation: Evaluation = serde_json::from_str(record.report.as_deref().unwrap_or_default())
        .map_err(|error| ApiError::internal(format!("the report of {}: {error}", record.id)))?;
    let subject = Subject {
        notice,
        ..Subject::from(&EvaluationInfo::from(record))
    };
    if format == ReportFormat::Markdown {
        return Ok(report::markdown(&subject, &evaluation));
    }
    let find = |image: &str| datasets.image(&subject.dataset, image).cloned();
    Ok(report::html(
        &subject,
        &evaluation,
        &FaceImages::of_evaluation(&evaluation, find),
    ))
}
