//! `POST /v1/classify`.

use std::{collections::BTreeMap, time::Instant};

use actix_web::{HttpRequest, HttpResponse, web};
use mien_faces::image::Face;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    batching::{Priority, RequestOptions},
    http::{
        ApiError, State, deadline,
        error::{Code, Problem},
        image_error::ImageProblem,
        images::{RequestImages, RequestTimes},
        server_timing::server_timing,
        upload::{FormImages, JsonImages},
    },
    inference::{Input, Probabilities},
    intake::decoder::ImageDecodeError,
    metrics::Outcome,
    models::registry::LiveModel,
};

pub(super) const PATH: &str = "/v1/classify";

/// The query of a classification.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ClassifyQuery {
    /// The model's name; without it the default model.
    #[param(example = "resnet-20-v1")]
    model: Option<String>,
    /// The model's version; without it the pinned one, else the highest that serves.
    #[param(example = "1")]
    version: Option<String>,
    /// Keeps the k most probable labels in `probabilities`; without it all.
    #[param(minimum = 1, maximum = 7, example = 3)]
    top_k: Option<usize>,
}

/// The answers to a request, in the order of its pictures.
#[derive(Debug, Serialize, ToSchema)]
pub struct Classification<'a> {
    /// The model that answered.
    #[schema(example = "resnet-20-v1")]
    model: &'a str,
    /// Its version.
    #[schema(example = "1")]
    version: String,
    /// One entry a picture.
    predictions: Vec<Prediction<'a>>,
}

/// What became of one picture.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum Prediction<'a> {
    /// The model's answer.
    #[schema(title = "Answer")]
    Answer {
        /// The most probable label.
        #[schema(example = "happy")]
        label: &'a str,
        /// Its probability, 0 to 1.
        #[schema(example = 0.91)]
        confidence: f32,
        /// Label -> probability, 0 to 1; all labels together have 1.
        #[schema(example = json!({"happy": 0.91, "neutral": 0.06, "surprise": 0.03}))]
        probabilities: BTreeMap<&'a str, f32>,
    },
    /// Why there is none, where other pictures of the request have one.
    #[schema(title = "Failure")]
    Failure {
        /// What is wrong with this picture.
        error: ImageProblem,
    },
}

/// Classify one face or many.
///
/// The body is a picture (JPEG, PNG, WebP, BMP, first frame of a GIF; the bytes decide), a form with
/// one or many parts named `image`, or JSON with base64. RequestImages of any size and colour are taken:
/// EXIF orientation is applied, alpha dropped, colour turned to gray, and the picture stretched to
/// the model's square. It should show one face, cut out.
///
/// Where some of many pictures cannot be read, they have an `error` in their place; where none can,
/// the request fails. A request that does not fit the queue as a whole is refused as a whole.
#[utoipa::path(
    post,
    path = PATH,
    tag = "classification",
    operation_id = "classify",
    params(
        ClassifyQuery,
        ("x-request-timeout-ms" = Option<u64>, Header, minimum = 1, description =
            "A deadline for this request, in milliseconds; the server's own applies where it is shorter."),
        ("x-request-id" = Option<String>, Header, description =
            "An id of the client's choice, 1 to 128 visible ASCII characters, given back in the answer.")
    ),
    request_body(description = "One picture, or many.", content(
        (Vec<u8> = "application/octet-stream"),
        (Vec<u8> = "image/*"),
        (FormImages = "multipart/form-data"),
        (JsonImages = "application/json"),
    )),
    responses(
        (status = 200, description = "An answer for each picture.", body = Classification),
        (status = 400, description = "`invalid_image`: no picture can be read. `invalid_request`: the query, \
            a header, the JSON or the form is wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`unknown_model` or `unknown_version`.",
            body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "`request_timeout`: the body took too long to arrive.",
            body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`too_large`: too many bytes, pixels or pictures.",
            body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`: the body is of another kind.",
            body = Problem, content_type = "application/problem+json"),
        (status = 500, description = "`internal`: the server's fault.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`overloaded`: the pictures do not fit the queue. `model_loading`: the model does not serve yet. \
            `shutting_down`: the server is shutting down.",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u64, description = "Seconds, at least 1."))),
        (status = 504, description = "`deadline_exceeded`: the answer was not there in time.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn classify(
    request: HttpRequest,
    query: web::Query<ClassifyQuery>,
    payload: web::Payload,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let start = Instant::now();
    let deadline = start + deadline::timeout(&request, state.limits.request_timeout)?;
    let model = state.registry.resolve(query.model.as_deref(), query.version.as_deref())?;
    let top_k = top_k(query.top_k, &model)?;

    let times = RequestTimes { start, deadline };
    let pictures = RequestImages::read(&request, payload, &state, &model, times).await?;
    let decode_start = Instant::now();
    let (faces, problems) = separate(pictures.decode(&state, &model, deadline).await?);
    let preprocess = decode_start.elapsed();
    model.metrics.images(Outcome::Invalid, problems.iter().flatten().count());
    if faces.is_empty() {
        return Err(all_failed(problems));
    }

    let call = RequestOptions { deadline: Some(deadline), priority: Priority::Live };
    let answers = model.batcher.classify(faces, call).await?;
    model.metrics.predictions(&answers.rows);
    let finish = Instant::now();
    let mut rows = answers.rows.iter();
    let predictions = problems.into_iter().filter_map(|problem| match problem {
        Some(error) => Some(Prediction::Failure { error }),
        None => rows.next().map(|row| answer(&model, &row.probabilities, top_k)),
    });
    let predictions = predictions.collect();
    model.metrics.statistics().converted(preprocess, finish.elapsed());
    let timing = server_timing(preprocess, answers.queue, answers.inference);
    Ok(HttpResponse::Ok().insert_header(timing).json(Classification {
        model: &model.name,
        version: model.version.to_string(),
        predictions,
    }))
}

fn top_k(asked: Option<usize>, model: &LiveModel) -> Result<usize, ApiError> {
    let labels = model.manifest.labels.len();
    match asked {
        None => Ok(labels),
        Some(k) if (1..=labels).contains(&k) => Ok(k),
        Some(k) => {
            let detail = format!("query: top_k is {k}; expected 1 to {labels}");
            Err(ApiError::invalid_request(detail))
        }
    }
}

/// The faces, and for each picture its problem or `None`.
fn separate(
    decoded: Vec<Result<Face, ImageDecodeError>>,
) -> (Vec<Input>, Vec<Option<ImageProblem>>) {
    let mut faces = Vec::with_capacity(decoded.len());
    let problems = decoded.into_iter().map(|picture| match picture {
        Ok(face) => {
            faces.push(Input::Face(face));
            None
        }
        Err(error) => Some(ImageProblem::from(error)),
    });
    let problems = problems.collect();
    (faces, problems)
}

/// The error of a request none of whose pictures could be read: their common code, else `invalid_image`.
fn all_failed(problems: Vec<Option<ImageProblem>>) -> ApiError {
    let problems: Vec<ImageProblem> = problems.into_iter().flatten().collect();
    let common = |code| problems.iter().all(|problem| problem.code == code);
    let code = if common(Code::TooLarge) { Code::TooLarge } else { Code::InvalidImage };
    let detail = match problems.as_slice() {
        [only] => only.detail.clone(),
        many => {
            let each =
                many.iter().enumerate().map(|(i, problem)| format!("{i}: {}", problem.detail));
            format!(
                "none of {} pictures can be read: {}",
                many.len(),
                each.collect::<Vec<_>>().join("; ")
            )
        }
    };
    ApiError::new(code, detail)
}

fn answer<'a>(model: &'a LiveModel, row: &Probabilities, top_k: usize) -> Prediction<'a> {
    let name = |class: usize| model.manifest.labels.get(class).unwrap_or_default();
    let (class, confidence) = row.top();
    let kept = row.ranked(top_k).into_iter();
    let probabilities = kept.map(|class| (name(class), row.as_slice()[class])).collect();
    Prediction::Answer { label: name(class), confidence, probabilities }
}
