//! `POST /v1/faces`.

mod document;
mod query;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{HeaderName, HeaderValue},
    web,
};
use futures_util::future::try_join_all;
use mien_faces::image::Face;

use self::document::{Faces, PhotoResult};
pub(super) use self::{document::ClassifiedFace, query::FacesQuery};
use crate::{
    app::AppState,
    batching::{BatchError, BatchResponse, RequestOptions},
    detection::{PhotoFaces, StepTimes},
    http::{
        ApiError,
        error::{
            Code,
            image::{ImageProblem, all_failed},
        },
        extract::{ApiClient, request_times},
        headers::{RequestIdHeader, TimeoutHeader},
        response::server_timing,
    },
    inference::Input,
    intake::upload::{FormImages, JsonImages},
    models::{mirror::ImageSource, registry::LiveModel},
    traces,
};

const PATH: &str = "/v1/faces";

/// A request uses at most this share of the queue of a model at once, so that a crowd leaves room for other requests.
const QUEUE_SHARE: usize = 4;

/// Find the faces in one or more photos and classify their expressions.
///
/// The body is the same as for `/v1/classify`, with whole photos instead of cropped faces. The detector YuNet finds the faces. The
/// server crops each face from the photo as in FER2013: a square around the box whose side is 1.09 times the geometric mean of width and
/// height. Photos without faces have an empty list.
///
/// All positions are in pixels of the photo after its EXIF orientation, from the top left. A box can extend beyond the photo.
///
/// An image that cannot be decoded has an `error` instead of faces. The request fails if all images are invalid.
///
/// A label describes the expression that a face shows, not what a person feels. The server does not recognise persons.
#[utoipa::path(
    post,
    path = PATH,
    tag = "classification",
    operation_id = "faces",
    params(
        FacesQuery,
        TimeoutHeader,
        RequestIdHeader
    ),
    request_body(description = "One or more photos.", content(
        (Vec<u8> = "application/octet-stream"),
        (Vec<u8> = "image/*"),
        (FormImages = "multipart/form-data"),
        (JsonImages = "application/json"),
    )),
    responses(
        (status = 200, description = "The faces of each photo.", body = Faces),
    )
)]
pub async fn faces(
    request: HttpRequest,
    query: web::Query<FacesQuery>,
    payload: web::Payload,
    ApiClient(client): ApiClient,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let times = request_times(&request, state.limits.request_timeout)?;
    let detector = state.detector.as_ref().ok_or_else(detector_missing)?;
    let model = state
        .registry
        .resolve(query.model.as_deref(), query.version.as_deref())?;
    let labels = query.labels(&model)?;
    let mut options = query.photo(detector.max_faces(), model.signature.side)?;

    detector.ensure_capacity(1)?;
    let (files, _reservation) = state.intake.files(&request, payload, &model, times).await?;
    detector.ensure_capacity(files.len())?;
    let _admission = client.admit(files.len())?;
    let share = (detector.max_faces() / files.len()).max(1);
    options.detection.max_faces = options.detection.max_faces.min(share);
    let decoder = &state.intake.decoder;
    let photos = files
        .into_iter()
        .map(|file| detector.find(decoder, file, options, times.deadline));
    let mut photos = try_join_all(photos).await?;
    if photos.iter().all(Result::is_err) {
        let problems = photos.into_iter().filter_map(Result::err);
        let problems: Vec<_> = problems.map(ImageProblem::from).collect();
        return Err(all_failed(&problems));
    }

    let call = RequestOptions::live(times.deadline);
    let features = model.measure(photos.iter().flatten().flat_map(PhotoFaces::features));
    let crops = photos.iter_mut().flatten().flat_map(PhotoFaces::take_crops);
    let classified = classify(&model, crops.collect(), call, ImageSource::Images).await?;
    let _step = traces::step("postprocess");
    model.record_predictions(features.as_deref(), &classified.rows);
    let timing = timing(photos.iter().flatten(), &classified);
    let rows = classified.rows.iter();
    let mut predictions = rows.map(|row| labels.predict(&model, &row.probabilities));
    let images = photos
        .into_iter()
        .map(|photo| PhotoResult::new(photo, &mut predictions));
    let images = images.collect();
    Ok(HttpResponse::Ok().insert_header(timing).json(Faces {
        model: &model.name,
        version: model.version,
        images,
    }))
}

/// Classifies the crops of all photos, a part of the queue at a time.
///
/// # Errors
/// Returns an error if the queue is full, the deadline passes or the model fails.
pub(super) async fn classify(
    model: &LiveModel,
    crops: Vec<Face>,
    call: RequestOptions,
    source: ImageSource,
) -> Result<BatchResponse, BatchError> {
    let part = (model.batcher.capacity() / QUEUE_SHARE).max(1);
    let mut inputs = crops.into_iter().map(Input::Face).peekable();
    let mut all = BatchResponse::default();
    while inputs.peek().is_some() {
        let inputs = inputs.by_ref().take(part).collect();
        let response = model.infer(inputs, call, source).await?;
        all.rows.extend(response.rows);
        all.queue += response.queue;
        all.inference += response.inference;
    }
    Ok(all)
}

/// Returns the header with the longest time of a photo per step, and the times of the classification.
pub(super) fn timing<'a>(
    photos: impl Iterator<Item = &'a PhotoFaces>,
    classified: &BatchResponse,
) -> (HeaderName, HeaderValue) {
    let mut longest = StepTimes::default();
    for photo in photos {
        longest.preprocess = longest.preprocess.max(photo.times.preprocess);
        longest.queue = longest.queue.max(photo.times.queue);
        longest.detection = longest.detection.max(photo.times.detection);
    }
    server_timing(&[
        ("queue", longest.queue + classified.queue),
        ("preprocess", longest.preprocess),
        ("detection", longest.detection),
        ("inference", classified.inference),
    ])
}

/// Returns the error of a server without a detector.
pub(super) fn detector_missing() -> ApiError {
    let detail = "the face detector is not installed. Install it with `cargo xtask setup`, or start the server with --detector FILE; \
                  `/v1/classify` takes cropped faces";
    ApiError::new(Code::DetectorMissing, detail)
}
