//! `POST /analyze`, compatible with deepface.

mod document;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use self::document::{AnalyzedFace, AnalyzedFaces, Region};
use super::faces::{FacesQuery, classify, detector_missing, timing};
use crate::{
    app::AppState,
    batching::RequestOptions,
    detection::PhotoFaces,
    excerpt::Excerpt,
    http::{
        ApiError,
        error::{
            Code,
            image::{ImageProblem, all_failed},
        },
        extract::{ApiClient, request_times},
        headers::{RequestIdHeader, TimeoutHeader},
    },
    intake::{
        decoder::{DecodedFace, ImageDecodeError},
        deepface::{Analysis, AnalysisOptions},
    },
    models::mirror::ImageSource,
    traces,
};

const PATH: &str = "/analyze";

/// Query parameters of an analysis.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AnalyzeQuery {
    /// Name or alias of the model; by default the default model.
    #[param(example = "student")]
    model: Option<String>,
    /// Version of the model; by default the pinned version, otherwise the highest loaded version.
    #[param(example = "1")]
    version: Option<String>,
}

/// An analysis. Other fields of deepface are ignored.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "describes the body in the OpenAPI document; `intake::deepface` reads it"
)]
struct AnalysisRequest {
    /// Image file as a data URI with base64, in a form also as a file. `img_path` is another name of this field.
    #[schema(
        example = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAADAAAAAwCAAAAAByaaZbAAAA..."
    )]
    img: String,
    /// The actions; only `emotion` is supported, which is also the default.
    #[schema(example = json!(["emotion"]))]
    actions: Option<Vec<String>>,
    /// Whether an image without a face is an error. Otherwise the whole image is the face.
    #[schema(default = true)]
    enforce_detection: Option<bool>,
    /// Ignored, because the server has one detector. `skip` is not supported.
    #[schema(example = "opencv")]
    detector_backend: Option<String>,
    /// Not supported: must be false.
    #[schema(default = false)]
    anti_spoofing: Option<bool>,
}

/// Find the faces in an image and classify their expressions, with the requests and responses of deepface.
///
/// The field names are those of deepface 0.0.103: `emotion` contains the probabilities of the expressions in percent. A label describes
/// the expression that a face shows, not what a person feels. The server does not estimate age, gender or race.
///
/// The image is part of the request. The server does not open paths and URLs. Errors are problem details, as for `/v1`.
#[utoipa::path(
    post,
    path = PATH,
    tag = "classification",
    operation_id = "analyze",
    params(
        AnalyzeQuery,
        TimeoutHeader,
        RequestIdHeader
    ),
    request_body(description = "One image with options.", content(
        (AnalysisRequest = "application/json"),
        (AnalysisRequest = "multipart/form-data"),
    )),
    responses(
        (status = 200, description = "The faces of the image, largest first.", body = AnalyzedFaces),
    )
)]
pub async fn analyze(
    request: HttpRequest,
    query: web::Query<AnalyzeQuery>,
    payload: web::Payload,
    ApiClient(client): ApiClient,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let times = request_times(&request, state.limits.request_timeout)?;
    let detector = state.detector.as_ref().ok_or_else(detector_missing)?;
    let model = state
        .registry
        .resolve(query.model.as_deref(), query.version.as_deref())?;
    detector.ensure_capacity(1)?;
    let reading = state.intake.analysis(&request, payload, &model, times);
    let (Analysis { image, options }, _reservation) = reading.await?;
    check(&options)?;
    let _admission = client.admit(1)?;

    let decoder = &state.intake.decoder;
    let search = FacesQuery::default().photo(detector.max_faces(), model.signature.side)?;
    let found = detector.find(decoder, image.clone(), search, times.deadline);
    let mut photo = found.await?.map_err(invalid_image)?;
    let mut features = model.measure(photo.features());
    let mut crops = photo.take_crops();
    if crops.is_empty() {
        if options.enforce_detection {
            return Err(no_face());
        }
        let decoded = state.intake.decode(vec![image], &model, times.deadline);
        let whole: Result<Vec<DecodedFace>, _> = decoded.await?.faces.into_iter().collect();
        let whole = whole.map_err(invalid_image)?;
        features = model.measure(whole.iter().map(DecodedFace::features));
        crops = whole.into_iter().map(|face| face.face).collect();
    }
    let call = RequestOptions::live(times.deadline);
    let classified = classify(&model, crops, call, ImageSource::Images).await?;
    let _step = traces::step("postprocess");
    model.record_predictions(features.as_deref(), &classified.rows);
    let regions = regions(&photo).into_iter().zip(&classified.rows);
    let results = regions
        .map(|((region, score), row)| AnalyzedFace::new(region, score, &model, &row.probabilities))
        .collect();
    let timing = timing(std::iter::once(&photo), &classified);
    Ok(HttpResponse::Ok()
        .insert_header(timing)
        .json(AnalyzedFaces { results }))
}

/// Rejects options that the server does not support.
fn check(options: &AnalysisOptions) -> Result<(), ApiError> {
    if let Some(action) = &options.unsupported_action {
        let detail = format!(
            "the action `{}` is not supported; the only action of this server is `emotion`",
            Excerpt(action)
        );
        return Err(ApiError::new(Code::UnsupportedAction, detail));
    }
    let detail = if options.anti_spoofing {
        "anti_spoofing is not supported; send false"
    } else if options.skips_detection {
        "the detector_backend `skip` is not supported; send cropped faces to /v1/classify"
    } else {
        return Ok(());
    };
    Err(ApiError::invalid_request(detail))
}

/// Returns the region and the score of each face, or those of the whole image if the detector found no face.
fn regions(photo: &PhotoFaces) -> Vec<(Region, f32)> {
    if photo.faces.is_empty() {
        return vec![(Region::whole(photo.width, photo.height), 0.0)];
    }
    let faces = photo.faces.iter().map(|found| &found.detection);
    faces
        .map(|face| (Region::new(face, photo.width, photo.height), face.score))
        .collect()
}

fn invalid_image(error: ImageDecodeError) -> ApiError {
    all_failed(&[ImageProblem::from(error)])
}

fn no_face() -> ApiError {
    let detail = "the detector found no face in the image; to classify the whole image, send enforce_detection as false";
    ApiError::new(Code::NoFace, detail)
}
