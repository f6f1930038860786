//! `POST /v1/classify`.

use std::{collections::BTreeMap, time::Instant};

use actix_web::{HttpRequest, HttpResponse, web};
use mien_faces::image::Face;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::AppState,
    batching::{Priority, RequestOptions},
    http::{
        ApiError,
        error::{Code, image::ImageProblem},
        extract::request_times,
        headers::{RequestIdHeader, TimeoutHeader},
        response::server_timing,
    },
    inference::{Input, Probabilities},
    intake::{
        decoder::ImageDecodeError,
        upload::{FormImages, JsonImages},
    },
    models::{ModelVersion, registry::LiveModel},
};

const PATH: &str = "/v1/classify";

/// Maximum number of images whose errors are listed if all images are invalid.
const MAX_LISTED: usize = 8;

/// Query parameters of a classification.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ClassifyQuery {
    /// Name or alias of the model; by default the default model.
    #[param(example = "resnet-20-v1")]
    model: Option<String>,
    /// Version of the model; by default the pinned version, otherwise the highest loaded version.
    #[param(example = "1")]
    version: Option<String>,
    /// Returns only the k most probable labels in `probabilities`; by default all.
    #[param(minimum = 1, maximum = 7, example = 3)]
    top_k: Option<usize>,
}

/// Predictions of a request, in the order of its images.
#[derive(Debug, Serialize, ToSchema)]
pub struct Classification<'a> {
    /// Name of the model.
    #[schema(example = "resnet-20-v1")]
    model: &'a str,
    /// Version of the model.
    #[schema(value_type = String, example = "1")]
    version: ModelVersion,
    /// One entry per image.
    predictions: Vec<Prediction<'a>>,
}

/// The result of one image.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum Prediction<'a> {
    /// The prediction of the model.
    #[schema(title = "Success")]
    Success {
        /// The most probable label.
        #[schema(example = "happy")]
        label: &'a str,
        /// Probability of the label, 0 to 1.
        #[schema(example = 0.91)]
        confidence: f32,
        /// Label -> probability, 0 to 1. The probabilities of all labels sum to 1.
        #[schema(example = json!({"happy": 0.91, "neutral": 0.06, "surprise": 0.03}))]
        probabilities: BTreeMap<&'a str, f32>,
    },
    /// The error of this image; other images of the request have predictions.
    #[schema(title = "Failure")]
    Failure {
        /// Description of the error.
        error: ImageProblem,
    },
}

/// Classify the expression of one or more faces.
///
/// The body is an image file, a form with one or more parts named `image`, or JSON with base64. Images are JPEG, PNG, WebP, BMP
/// or GIF (first frame); the content determines the format. The server applies the EXIF orientation, drops alpha, converts colours to gray,
/// and resizes the image to the square input of the model. Each image should show one cropped face.
///
/// An image that cannot be decoded has an `error` instead of a prediction. The request fails if all images are invalid. A
/// request that does not fit into the queue as a whole is rejected.
///
/// A label describes the expression that a face shows, not what a person feels.
#[utoipa::path(
    post,
    path = PATH,
    tag = "classification",
    operation_id = "classify",
    params(
        ClassifyQuery,
        TimeoutHeader,
        RequestIdHeader
    ),
    request_body(description = "One or more images.", content(
        (Vec<u8> = "application/octet-stream"),
        (Vec<u8> = "image/*"),
        (FormImages = "multipart/form-data"),
        (JsonImages = "application/json"),
    )),
    responses(
        (status = 200, description = "One prediction per image.", body = Classification),
    )
)]
pub async fn classify(
    request: HttpRequest,
    query: web::Query<ClassifyQuery>,
    payload: web::Payload,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let times = request_times(&request, state.limits.request_timeout)?;
    let model = state
        .registry
        .resolve(query.model.as_deref(), query.version.as_deref())?;
    let top_k = top_k(query.top_k, &model)?;

    let decoded = state
        .intake
        .images(&request, payload, &model, times)
        .await?;
    let (faces, problems) = separate(decoded.faces);
    if faces.is_empty() {
        return Err(all_failed(problems));
    }

    let call = RequestOptions {
        deadline: Some(times.deadline),
        priority: Priority::Live,
    };
    let response = model.batcher.infer(faces, call).await?;
    model.metrics.record_predictions(&response.rows);
    let finish = Instant::now();
    let mut rows = response.rows.iter();
    let predictions = problems.into_iter().filter_map(|problem| match problem {
        Some(error) => Some(Prediction::Failure { error }),
        None => rows
            .next()
            .map(|row| prediction(&model, &row.probabilities, top_k)),
    });
    let predictions = predictions.collect();
    model
        .metrics
        .statistics()
        .record_conversion(decoded.preprocess, finish.elapsed());
    let timing = server_timing(decoded.preprocess, response.queue, response.inference);
    Ok(HttpResponse::Ok()
        .insert_header(timing)
        .json(Classification {
            model: &model.name,
            version: model.version,
            predictions,
        }))
}

fn top_k(requested: Option<usize>, model: &LiveModel) -> Result<usize, ApiError> {
    let labels = model.manifest.labels.len();
    match requested {
        None => Ok(labels),
        Some(k) if (1..=labels).contains(&k) => Ok(k),
        Some(k) => {
            let detail = format!("query: top_k is {k}; expected 1 to {labels}");
            Err(ApiError::invalid_request(detail))
        }
    }
}

/// Separates the faces from the errors; the second list has one entry per image.
fn separate(
    decoded: Vec<Result<Face, ImageDecodeError>>,
) -> (Vec<Input>, Vec<Option<ImageProblem>>) {
    let mut faces = Vec::with_capacity(decoded.len());
    let problems = decoded.into_iter().map(|result| match result {
        Ok(face) => {
            faces.push(Input::Face(face));
            None
        }
        Err(error) => Some(ImageProblem::from(error)),
    });
    let problems = problems.collect();
    (faces, problems)
}

/// Returns the error of a request whose images are all invalid: their common code, otherwise `invalid_image`.
fn all_failed(problems: Vec<Option<ImageProblem>>) -> ApiError {
    let problems: Vec<ImageProblem> = problems.into_iter().flatten().collect();
    let mut codes = problems.iter().map(|problem| problem.code);
    let first = codes.next().unwrap_or(Code::InvalidImage);
    let code = if codes.all(|code| code == first) {
        first
    } else {
        Code::InvalidImage
    };
    let detail = match problems.as_slice() {
        [only] => only.detail.clone(),
        many => {
            let listed = many.iter().enumerate().take(MAX_LISTED);
            let each = listed.map(|(i, problem)| format!("{i}: {}", problem.detail));
            let each: Vec<String> = each.collect();
            let more = match many.len().saturating_sub(MAX_LISTED) {
                0 => String::new(),
                more => format!("; and {more} more"),
            };
            format!(
                "none of the {} images can be decoded: {}{more}",
                many.len(),
                each.join("; ")
            )
        }
    };
    ApiError::new(code, detail)
}

fn prediction<'a>(model: &'a LiveModel, row: &Probabilities, top_k: usize) -> Prediction<'a> {
    let name = |class: usize| model.manifest.labels.get(class).unwrap_or_default();
    let (class, confidence) = row.top();
    let ranked = row.ranked(top_k).into_iter();
    let probabilities = ranked
        .map(|class| (name(class), row.as_slice()[class]))
        .collect();
    Prediction::Success {
        label: name(class),
        confidence,
        probabilities,
    }
}
