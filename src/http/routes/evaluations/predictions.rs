//! `GET /v1/evaluations/{id}/predictions`.

use std::sync::Arc;

use actix_web::{
    HttpResponse,
    http::header::{ContentDisposition, DispositionParam, DispositionType},
    web::{self, Bytes},
};
use futures_util::stream;
use mien_faces::{grouping::Grouping, report::csv};

use super::succeeded;
use crate::{
    app::AppState,
    http::{ApiError, headers::NO_STORE},
    store::{JobId, Store},
};

const PATH: &str = "/v1/evaluations/{id}/predictions";

/// Number of predictions that are in memory at a time.
const CHUNK_SIZE: usize = 1000;

/// Return the prediction for each image as CSV.
///
/// The columns are `image` (identifier), `name` (within the data set), `usage` (such as `PublicTest`), `label`, `prediction`,
/// `confidence` and the probability of each class, and a column `group_NAME` per grouping with the group of the image. Rows are in the
/// order of the data set. Unreadable images do not have a row.
#[utoipa::path(get, path = PATH, tag = "evaluations", operation_id = "getPredictions",
    params(("id" = String, Path, description = "Identifier of the evaluation.")),
    responses(
        (status = 200, description = "The predictions.", body = String, content_type = "text/csv",
            headers(("Content-Disposition" = String, description = "File name for saving."))),
    )
)]
pub async fn predictions(
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let record = succeeded(&state, &id).await?;
    let file = format!("evaluation-{}.csv", record.id);
    let (store, id) = (state.evaluations.store().clone(), record.id);
    let groupings = store.run(move |store| store.groupings(id)).await?;
    let reader = Reader {
        store,
        id,
        groupings: groupings.into(),
        position: 0,
        is_done: false,
    };
    let lines = stream::try_unfold(reader, Reader::next);
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header(NO_STORE)
        .insert_header(ContentDisposition {
            disposition: DispositionType::Attachment,
            parameters: vec![DispositionParam::Filename(file)],
        })
        .streaming(lines))
}

/// Reads predictions in chunks.
struct Reader {
    store: Store,
    id: JobId,
    groupings: Arc<[Grouping]>,
    position: usize,
    is_done: bool,
}

impl Reader {
    async fn next(self) -> Result<Option<(Bytes, Self)>, ApiError> {
        let Self {
            store,
            id,
            groupings,
            position,
            is_done,
        } = self;
        if is_done {
            return Ok(None);
        }
        let read = move |store: &Store| {
            let chunk = store.predictions_from(id, position, CHUNK_SIZE)?;
            let is_last = chunk.len() < CHUNK_SIZE;
            Ok((is_last, !is_last || store.evaluation(id)?.is_some(), chunk))
        };
        let (is_done, exists, chunk) = store.run(read).await?;
        if !exists {
            // Aborts the response, so that the client notices that it is incomplete.
            return Err(ApiError::internal(format!(
                "evaluation {id} was removed while it was being read"
            )));
        }
        let mut lines = Vec::new();
        csv::write(&mut lines, &chunk, position, &groupings).map_err(ApiError::internal)?;
        let position = position + chunk.len();
        Ok(Some((
            lines.into(),
            Self {
                store,
                id,
                groupings,
                position,
                is_done,
            },
        )))
    }
}
