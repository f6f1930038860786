//! `POST /v1/explain`.

mod document;

use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use mien_faces::image::Face;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use self::document::Document;
use crate::{
    explanation::{self, Explanation},
    http::{
        ApiError, State, deadline,
        error::Problem,
        image_error::ImageProblem,
        images::{RequestImages, RequestTimes},
        negotiation,
        upload::{FormImages, JsonImages},
    },
    inference::Labels,
    metrics::Outcome,
    models::registry::LiveModel,
};

pub(super) const PATH: &str = "/v1/explain";

/// Query parameters of an explanation.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExplainQuery {
    /// Name or alias of the model; by default the default model.
    #[param(example = "resnet-20-v1")]
    model: Option<String>,
    /// Version of the model; by default the pinned version, otherwise the highest loaded version.
    #[param(example = "1")]
    version: Option<String>,
    /// Label to explain; by default the most probable one.
    #[param(example = "happy")]
    label: Option<String>,
    /// Format of the response; by default the best one for `Accept`, otherwise JSON.
    #[param(inline)]
    format: Option<Form>,
}

/// Format of the response.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Form {
    Json,
    Png,
}

/// Among equals the first one is preferred.
const OFFERS: [(&str, Form); 2] = [("application/json", Form::Json), ("image/png", Form::Png)];

/// Explain the label of a face.
///
/// The server masks up to 121 positions of the face in turn with a patch of the mean gray level and reports how much each
/// lowers the label's probability (occlusion sensitivity: Zeiler and Fergus, *Visualizing and Understanding Convolutional
/// Networks*, ECCV 2014, section 4.2). This works for every model. It shows which regions the prediction depends on, not
/// whether the prediction is correct.
///
/// The body is one image in a format of `/v1/classify`. The response is JSON with a weight per pixel of the model's input, or a
/// PNG of 480 x 480 pixels that shows the face in orange for positive weights and in blue for negative ones.
///
/// An explanation classifies up to 122 images at background priority. They count in the metrics of images, not in those of
/// predictions. `--max-explanations` limits how many run at once.
#[utoipa::path(
    post,
    path = PATH,
    tag = "classification",
    operation_id = "explain",
    params(
        ExplainQuery,
        ("x-request-timeout-ms" = Option<u64>, Header, minimum = 1, description =
            "Deadline of this request in milliseconds; the server's own deadline applies if it is shorter."),
        ("x-request-id" = Option<String>, Header, description =
            "Identifier chosen by the client, 1 to 128 visible ASCII characters, returned in the response.")
    ),
    request_body(description = "One image.", content(
        (Vec<u8> = "application/octet-stream"),
        (Vec<u8> = "image/*"),
        (FormImages = "multipart/form-data"),
        (JsonImages = "application/json"),
    )),
    responses(
        (status = 200, description = "The weights of the label.", content(
            (Document = "application/json"),
            (Vec<u8> = "image/png"),
        )),
        (status = 400, description = "`invalid_image`: the picture cannot be read. `invalid_request`: the query, \
            a header, the JSON or the form is wrong, the model has no such label, or there are several pictures.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`unknown_model` or `unknown_version`.",
            body = Problem, content_type = "application/problem+json"),
        (status = 406, description = "`not_acceptable`: `Accept` matches no available media type.",
            body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "`request_timeout`: the body was not received in time.",
            body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`too_large`: too many bytes, pixels or images.",
            body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`: unsupported `Content-Type` or `Content-Encoding`.",
            body = Problem, content_type = "application/problem+json"),
        (status = 500, description = "`internal`: the server failed.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`overloaded`: as many faces as may be are being explained, or the queue is full. \
            `model_loading`: the model does not serve yet. `shutting_down`: the server is shutting down.",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u64, description = "Time to wait before the next attempt, in seconds, at least 1."))),
        (status = 504, description = "`deadline_exceeded`: the deadline passed before the response.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn explain(
    request: HttpRequest,
    query: web::Query<ExplainQuery>,
    payload: web::Payload,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let start = Instant::now();
    let deadline = start + deadline::timeout(&request, state.limits.request_timeout)?;
    let model = state
        .registry
        .resolve(query.model.as_deref(), query.version.as_deref())?;
    let class = query
        .label
        .as_deref()
        .map(|label| class(&model.manifest.labels, label));
    let class = class.transpose()?;
    let form = query
        .format
        .map_or_else(|| negotiation::best(&request, &OFFERS), Ok)?;

    if state.explanations.available_permits() == 0 {
        return Err(busy(&state));
    }
    let times = RequestTimes { start, deadline };
    let pictures = RequestImages::read(&request, payload, &state, &model, times).await?;
    let face = only_face(pictures, &state, &model, deadline).await?;
    // Acquired after the body was received, so that a slow body does not hold a permit.
    let _turn = state.explanations.try_acquire().map_err(|_| busy(&state))?;
    let explanation = explanation::explain(&model.batcher, face, class, deadline).await?;
    match form {
        Form::Json => Ok(HttpResponse::Ok()
            .insert_header((header::VARY, "accept"))
            .json(Document::of(&model, &explanation))),
        Form::Png => picture(explanation).await,
    }
}

/// Returns the index of a label.
fn class(labels: &Labels, label: &str) -> Result<usize, ApiError> {
    let class = labels.names().iter().position(|name| name == label);
    class.ok_or_else(|| {
        let known = labels.names().join(", ");
        let detail = format!("query: unknown label `{label}`; the labels of the model are {known}");
        ApiError::invalid_request(detail)
    })
}

fn busy(state: &State) -> ApiError {
    let most = state.limits.max_explanations;
    ApiError::overloaded(format!(
        "{most} explanations are running, which is the maximum (--max-explanations); try again later"
    ))
}

async fn only_face(
    pictures: RequestImages,
    state: &State,
    model: &LiveModel,
    deadline: Instant,
) -> Result<Face, ApiError> {
    if pictures.count() > 1 {
        let detail = format!(
            "{} images; send one image per explanation",
            pictures.count()
        );
        return Err(ApiError::invalid_request(detail));
    }
    let decoded = pictures.decode(state, model, deadline).await?.pop();
    let face = decoded.ok_or_else(|| ApiError::internal("the decoder returned no result"))?;
    face.map_err(|error| {
        model.metrics.images(Outcome::Invalid, 1);
        let ImageProblem { code, detail } = error.into();
        ApiError::new(code, detail)
    })
}

/// Renders the PNG on a blocking thread, because compression takes milliseconds.
async fn picture(explanation: Explanation) -> Result<HttpResponse, ApiError> {
    let draw = move || explanation::overlay(explanation.occlusion.face(), &explanation.map);
    let file = web::block(draw).await.map_err(ApiError::internal)?;
    Ok(HttpResponse::Ok()
        .content_type(mime::IMAGE_PNG)
        .insert_header((header::VARY, "accept"))
        .body(file))
}
