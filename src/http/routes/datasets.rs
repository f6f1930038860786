//! `GET /v1/datasets`, `GET /v1/datasets/{name}/images/{image}`.

use std::collections::BTreeMap;

use actix_web::{
    HttpResponse,
    http::header::{self, CacheControl, CacheDirective, ContentType},
    web,
};
use mien_faces::dataset::{LeftOut, Split};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::AppState,
    excerpt::Excerpt,
    http::{ApiError, error::Code, headers::NO_STORE},
};

const LIST_PATH: &str = "/v1/datasets";
const IMAGE_PATH: &str = "/v1/datasets/{name}/images/{image}";

/// Side of the returned faces in pixels, as in FER2013.
const SIDE: usize = 48;
/// Cache lifetime of a face in seconds: one day.
const MAX_AGE: u32 = 86_400;

/// All data sets.
#[derive(Debug, Serialize, ToSchema)]
pub struct DatasetList {
    /// Data sets, sorted by name.
    datasets: Vec<DatasetView>,
}

/// A data set.
#[derive(Debug, Serialize, ToSchema)]
pub struct DatasetView {
    /// Name in `--data`.
    #[schema(example = "fer2013")]
    name: String,
    /// Number of images per split: `train`, `test`, and the parts of `test` that FER2013 defines (`PublicTest`, `PrivateTest`).
    #[schema(value_type = BTreeMap<String, usize>, example = json!({"train": 28709, "test": 7178, "PublicTest": 3589, "PrivateTest": 3589}))]
    splits: BTreeMap<&'static str, usize>,
    /// Names of the groupings in its `groups.csv`.
    #[schema(example = json!(["age", "lighting"]))]
    groupings: Vec<String>,
    /// Files and directories that are not listed.
    left_out: LeftOut,
}

/// List the data sets for evaluations.
#[utoipa::path(get, path = LIST_PATH, tag = "evaluations", operation_id = "listDatasets",
    responses((status = 200, description = "The data sets.", body = DatasetList)))]
pub async fn list(state: web::Data<AppState>) -> HttpResponse {
    let view = |name: String| {
        let dataset = state.datasets.get(&name)?;
        let count = |split: Split| (split.name(), dataset.samples(split).len());
        Some(DatasetView {
            name,
            splits: Split::ALL.into_iter().map(count).collect(),
            groupings: dataset.grouping_names().to_vec(),
            left_out: dataset.left_out().clone(),
        })
    };
    let datasets = state
        .datasets
        .names()
        .into_iter()
        .filter_map(view)
        .collect();
    HttpResponse::Ok()
        .insert_header(NO_STORE)
        .json(DatasetList { datasets })
}

/// Return one face of a data set.
///
/// The face is a gray PNG of 48 x 48 pixels. Its identifier is part of predictions and reports.
#[utoipa::path(get, path = IMAGE_PATH, tag = "evaluations", operation_id = "getImage",
    params(
        ("name" = String, Path, description = "Name of the data set.", example = "fer2013"),
        ("image" = String, Path, description = "Identifier of the image, 32 hex digits."),
    ),
    responses(
        (status = 200, description = "The face.", body = String, content_type = "image/png"),
    )
)]
pub async fn image(
    path: web::Path<(String, String)>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let (name, id) = path.into_inner();
    if state.datasets.get(&name).is_none() {
        let detail = format!("unknown data set `{}`", Excerpt(&name));
        return Err(ApiError::new(Code::UnknownDataset, detail));
    }
    let unknown = |what: &str| {
        let detail = format!(
            "the image `{}` of the data set `{name}` {what}",
            Excerpt(&id)
        );
        ApiError::new(Code::UnknownImage, detail)
    };
    let sample = state
        .datasets
        .image(&name, &id)
        .ok_or_else(|| unknown("does not exist"))?
        .clone();
    let read = web::block(move || sample.load(SIDE).map(|face| face.png()));
    let png = read.await.map_err(ApiError::internal)?.map_err(|error| {
        tracing::warn!("{error}: {}", error.cause());
        unknown("cannot be read")
    })?;
    let caching = [CacheDirective::Private, CacheDirective::MaxAge(MAX_AGE)];
    Ok(HttpResponse::Ok()
        .insert_header(ContentType::png())
        .insert_header(CacheControl(caching.to_vec()))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(png))
}
