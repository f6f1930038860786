//! `GET /v1/datasets`, `GET /v1/datasets/{name}/images/{image}`.

use std::collections::BTreeMap;

use actix_web::{
    HttpResponse,
    http::header::{self, CacheControl, CacheDirective, ContentType},
    web,
};
use mien_faces::dataset::Split;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::{
    ApiError, State,
    error::{Code, Problem},
};

pub(super) const LIST_PATH: &str = "/v1/datasets";
pub(super) const IMAGE_PATH: &str = "/v1/datasets/{name}/images/{image}";

/// The side of a face that is shown, in pixels: that of FER2013.
const SIDE: usize = 48;
/// How long a client may keep a face, in seconds: a day.
const MAX_AGE: u32 = 86_400;

/// The data sets of the server.
#[derive(Debug, Serialize, ToSchema)]
pub struct DatasetList {
    /// By name.
    datasets: Vec<DatasetView>,
}

/// A data set.
#[derive(Debug, Serialize, ToSchema)]
pub struct DatasetView {
    /// Its name, as `--data` gives it.
    #[schema(example = "fer2013")]
    name: String,
    /// How many images it has to learn from (`train`) and to judge by (`test`), and how many of these FER2013 used for what
    /// (`PublicTest`, `PrivateTest`).
    #[schema(value_type = BTreeMap<String, usize>, example = json!({"train": 28709, "test": 7178, "PublicTest": 3589, "PrivateTest": 3589}))]
    splits: BTreeMap<&'static str, usize>,
}

/// The data sets that models can be evaluated on.
#[utoipa::path(get, path = LIST_PATH, tag = "evaluations", operation_id = "listDatasets",
    responses((status = 200, description = "The data sets.", body = DatasetList)))]
pub async fn list(state: web::Data<State>) -> HttpResponse {
    let view = |name: String| {
        let dataset = state.datasets.get(&name)?;
        let count = |split: Split| (split.name(), dataset.samples(split).len());
        Some(DatasetView { name, splits: Split::ALL.into_iter().map(count).collect() })
    };
    let datasets = state.datasets.names().into_iter().filter_map(view).collect();
    HttpResponse::Ok().json(DatasetList { datasets })
}

/// One face of a data set.
///
/// Gray, 48 x 48, as a model of that size takes it. The id is that of predictions and reports.
#[utoipa::path(get, path = IMAGE_PATH, tag = "evaluations", operation_id = "getImage",
    params(
        ("name" = String, Path, description = "The data set's name.", example = "fer2013"),
        ("image" = String, Path, description = "The image's id, 32 hex digits."),
    ),
    responses(
        (status = 200, description = "The face.", body = String, content_type = "image/png"),
        (status = 404, description = "`unknown_dataset`, or `unknown_image`: no such id, or the file is gone or broken.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn image(
    path: web::Path<(String, String)>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let (name, id) = path.into_inner();
    if state.datasets.get(&name).is_none() {
        let detail = format!("there is no data set `{name}`");
        return Err(ApiError::new(Code::UnknownDataset, detail));
    }
    let unknown = |what: &str| {
        let detail = format!("the image `{id}` of the data set `{name}` {what}");
        ApiError::new(Code::UnknownImage, detail)
    };
    let sample = state.datasets.image(&name, &id).ok_or_else(|| unknown("is not there"))?.clone();
    let read = web::block(move || sample.load(SIDE).map(|face| face.png()));
    let png = read.await.map_err(ApiError::internal)?.map_err(|error| {
        tracing::warn!("{error}: {}", error.cause());
        unknown("cannot be read any more")
    })?;
    let kept = [CacheDirective::Private, CacheDirective::MaxAge(MAX_AGE)];
    Ok(HttpResponse::Ok()
        .insert_header(ContentType::png())
        .insert_header(CacheControl(kept.to_vec()))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(png))
}
