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

/// The query of an explanation.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExplainQuery {
    /// The model's name; without it the default model.
    #[param(example = "resnet-20-v1")]
    model: Option<String>,
    /// The model's version; without it the pinned one, else the highest that serves.
    #[param(example = "1")]
    version: Option<String>,
    /// The label to explain; without it the most probable one.
    #[param(example = "happy")]
    label: Option<String>,
    /// The form of the answer; without it as `Accept` says, else JSON.
    #[param(inline)]
    format: Option<Form>,
}

/// A form of the answer.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Form {
    Json,
    Png,
}

/// Of equals, the first is preferred.
const OFFERS: [(&str, Form); 2] = [("application/json", Form::Json), ("image/png", Form::Png)];

/// Explain the label of a face.
///
/// A patch of the face's mean gray covers one place of the face after the other, and what the label's probability loses
/// by it is what the place is worth to the label (occlusion sensitivity: Zeiler and Fergus, *Visualizing and
/// Understanding Convolutional Networks*, ECCV 2014, section 4.2). It works for every model, and shows what the model
/// looks at, not whether it is right.
///
/// The body is one picture, as `/v1/classify` takes it. The answer is JSON with a weight for each pixel of the model's
/// square, or a PNG of 480 x 480 pixels: the face as the model sees it, orange where it speaks for the label, blue where
/// it speaks against it, in full colour where most.
///
/// An explanation sends up to 122 images through the model, below all other requests, and counts them in the model's
/// metrics of images, not among its predictions. A few run at once (`--max-explanations`).
#[utoipa::path(
    post,
    path = PATH,
    tag = "classification",
    operation_id = "explain",
    params(
        ExplainQuery,
        ("x-request-timeout-ms" = Option<u64>, Header, minimum = 1, description =
            "A deadline for this request, in milliseconds; the server's own applies where it is shorter."),
        ("x-request-id" = Option<String>, Header, description =
            "An id of the client's choice, 1 to 128 visible ASCII characters, given back in the answer.")
    ),
    request_body(description = "One picture.", content(
        (Vec<u8> = "application/octet-stream"),
        (Vec<u8> = "image/*"),
        (FormImages = "multipart/form-data"),
        (JsonImages = "application/json"),
    )),
    responses(
        (status = 200, description = "What each place is worth to the label.", content(
            (Document = "application/json"),
            (Vec<u8> = "image/png"),
        )),
        (status = 400, description = "`invalid_image`: the picture cannot be read. `invalid_request`: the query, \
            a header, the JSON or the form is wrong, the model has no such label, or there are several pictures.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`unknown_model` or `unknown_version`.",
            body = Problem, content_type = "application/problem+json"),
        (status = 406, description = "`not_acceptable`: `Accept` names neither of the two forms.",
            body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "`request_timeout`: the body took too long to arrive.",
            body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`too_large`: too many bytes, pixels or pictures.",
            body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`: the body is of another kind.",
            body = Problem, content_type = "application/problem+json"),
        (status = 500, description = "`internal`: the server's fault.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`overloaded`: as many faces as may be are being explained, or the queue is full. \
            `model_loading`: the model does not serve yet. `shutting_down`: the server is shutting down.",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u64, description = "Seconds, at least 1."))),
        (status = 504, description = "`deadline_exceeded`: the answer was not there in time.",
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
    let model = state.registry.resolve(query.model.as_deref(), query.version.as_deref())?;
    let class = query.label.as_deref().map(|label| class(&model.manifest.labels, label));
    let class = class.transpose()?;
    let form = query.format.map_or_else(|| negotiation::best(&request, &OFFERS), Ok)?;

    if state.explanations.available_permits() == 0 {
        return Err(busy(&state));
    }
    let times = RequestTimes { start, deadline };
    let pictures = RequestImages::read(&request, payload, &state, &model, times).await?;
    let face = only_face(pictures, &state, &model, deadline).await?;
    // Not before, or a body that trickles in would keep others out.
    let _turn = state.explanations.try_acquire().map_err(|_| busy(&state))?;
    let explanation = explanation::explain(&model.batcher, face, class, deadline).await?;
    match form {
        Form::Json => Ok(HttpResponse::Ok()
            .insert_header((header::VARY, "accept"))
            .json(Document::of(&model, &explanation))),
        Form::Png => picture(explanation).await,
    }
}

/// The index of a label.
fn class(labels: &Labels, label: &str) -> Result<usize, ApiError> {
    let class = labels.names().iter().position(|name| name == label);
    class.ok_or_else(|| {
        let known = labels.names().join(", ");
        let detail = format!("query: label `{label}` is none of this model's: {known}");
        ApiError::invalid_request(detail)
    })
}

fn busy(state: &State) -> ApiError {
    let most = state.limits.max_explanations;
    ApiError::overloaded(format!("{most} faces are being explained now, which is all; try again"))
}

async fn only_face(
    pictures: RequestImages,
    state: &State,
    model: &LiveModel,
    deadline: Instant,
) -> Result<Face, ApiError> {
    if pictures.count() > 1 {
        let detail = format!("{} pictures; one is explained at a time", pictures.count());
        return Err(ApiError::invalid_request(detail));
    }
    let decoded = pictures.decode(state, model, deadline).await?.pop();
    let face = decoded.ok_or_else(|| ApiError::internal("a picture was decoded to nothing"))?;
    face.map_err(|error| {
        model.metrics.images(Outcome::Invalid, 1);
        let ImageProblem { code, detail } = error.into();
        ApiError::new(code, detail)
    })
}

/// Drawn on a thread of its own: packing it takes milliseconds.
async fn picture(explanation: Explanation) -> Result<HttpResponse, ApiError> {
    let draw = move || explanation::overlay(explanation.occlusion.face(), &explanation.map);
    let file = web::block(draw).await.map_err(ApiError::internal)?;
    Ok(HttpResponse::Ok()
        .content_type(mime::IMAGE_PNG)
        .insert_header((header::VARY, "accept"))
        .body(file))
}
