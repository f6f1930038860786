//! `POST /v1/classify`.

use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::AppState,
    batching::RequestOptions,
    http::{
        ApiError,
        error::image::{ImageProblem, all_failed},
        extract::{ApiClient, request_times},
        headers::{RequestIdHeader, TimeoutHeader},
        response::{LabelOptions, LabelPrediction, server_timing},
    },
    intake::{
        decoder::{DecodedFace, ImageDecodeError},
        upload::{FormImages, JsonImages},
    },
    models::{ModelVersion, mirror::ImageSource},
    traces,
};

const PATH: &str = "/v1/classify";

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
    /// Minimum probability of a label. Below it `label` is null and `uncertain` is true.
    #[param(minimum = 0.0, maximum = 1.0, example = 0.5)]
    min_confidence: Option<f32>,
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
    Success(LabelPrediction<'a>),
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
    ApiClient(client): ApiClient,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let times = request_times(&request, state.limits.request_timeout)?;
    let model = state
        .registry
        .resolve(query.model.as_deref(), query.version.as_deref())?;
    let labels = LabelOptions::new(query.top_k, query.min_confidence, &model)?;

    let intake = &state.intake;
    let (files, reservation) = intake.files(&request, payload, &model, times).await?;
    let _admission = client.admit(files.len())?;
    let decoded = intake.decode(files, &model, times.deadline).await?;
    drop(reservation);
    let (faces, problems) = separate(decoded.faces);
    if faces.is_empty() {
        let problems: Vec<ImageProblem> = problems.into_iter().flatten().collect();
        return Err(all_failed(&problems));
    }

    let call = RequestOptions::live(times.deadline);
    let features = model.measure(faces.iter().map(DecodedFace::features));
    let inputs = faces.into_iter().map(|decoded| decoded.face.into());
    let response = model
        .infer(inputs.collect(), call, ImageSource::Images)
        .await?;
    let _step = traces::step("postprocess");
    model.record_predictions(features.as_deref(), &response.rows);
    let finish = Instant::now();
    let mut rows = response.rows.iter();
    let predictions = problems.into_iter().filter_map(|problem| match problem {
        Some(error) => Some(Prediction::Failure { error }),
        None => rows
            .next()
            .map(|row| Prediction::Success(labels.predict(&model, &row.probabilities))),
    });
    let predictions = predictions.collect();
    model
        .metrics
        .statistics()
        .record_conversion(decoded.preprocess, finish.elapsed());
    let timing = server_timing(&[
        ("queue", response.queue),
        ("preprocess", decoded.preprocess),
        ("inference", response.inference),
    ]);
    Ok(HttpResponse::Ok()
        .insert_header(timing)
        .json(Classification {
            model: &model.name,
            version: model.version,
            predictions,
        }))
}

/// Separates the faces from the errors; the second list has one entry per image.
fn separate(
    decoded: Vec<Result<DecodedFace, ImageDecodeError>>,
) -> (Vec<DecodedFace>, Vec<Option<ImageProblem>>) {
    let mut faces = Vec::with_capacity(decoded.len());
    let problems = decoded.into_iter().map(|result| match result {
        Ok(face) => {
            faces.push(face);
            None
        }
        Err(error) => Some(ImageProblem::from(error)),
    });
    let problems = problems.collect();
    (faces, problems)
}
