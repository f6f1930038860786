//! `POST /v1/explain`.

mod document;

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use mien_faces::image::BoundingBox;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use self::document::Document;
use crate::{
    app::AppState,
    excerpt::Excerpt,
    explanation::{self, Explanation},
    http::{
        ApiError,
        error::image::ImageProblem,
        extract::{ApiClient, request_times},
        headers::{RequestIdHeader, TimeoutHeader},
        response::negotiation,
    },
    inference::Labels,
    intake::upload::{FormImages, JsonImages},
};

const PATH: &str = "/v1/explain";

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
    /// Box of the face in a photo as x,y,width,height, in pixels of the photo after its EXIF orientation, such as the box in the response
    /// of `/v1/faces`. By default the whole image is the face.
    #[param(example = "176.8,64.5,91.6,113.1")]
    r#box: Option<String>,
    /// Format of the response; by default the best one for `Accept`, otherwise JSON.
    #[param(inline)]
    format: Option<Format>,
}

/// Format of the response.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    Json,
    Png,
}

/// Offers for content negotiation; the first one is the default.
const OFFERS: [(&str, Format); 2] = [
    ("application/json", Format::Json),
    ("image/png", Format::Png),
];

/// Explain the label of a face.
///
/// The server masks up to 121 positions of the face in turn with a patch of the mean gray level. It reports how much each mask
/// lowers the label's probability. This is the occlusion sensitivity of Zeiler and Fergus, *Visualizing and Understanding
/// Convolutional Networks*, ECCV 2014, section 4.2. It works for every model. It shows which regions the prediction depends on, not
/// whether the prediction is correct.
///
/// The body is one image in a format of `/v1/classify`: a cropped face, or a photo with the `box` of a face. The response is JSON with a weight per pixel of the model's input, or a
/// PNG of 480 x 480 pixels. The PNG shows the face in orange for positive weights and in blue for negative ones.
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
        TimeoutHeader,
        RequestIdHeader
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
    )
)]
pub async fn explain(
    request: HttpRequest,
    query: web::Query<ExplainQuery>,
    payload: web::Payload,
    ApiClient(client): ApiClient,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let times = request_times(&request, state.limits.request_timeout)?;
    let model = state
        .registry
        .resolve(query.model.as_deref(), query.version.as_deref())?;
    let class = query
        .label
        .as_deref()
        .map(|label| class(&model.manifest.labels, label));
    let class = class.transpose()?;
    let format = query
        .format
        .map_or_else(|| negotiation::best(&request, &OFFERS), Ok)?;

    if state.explanations.available_permits() == 0 {
        return Err(busy(&state));
    }
    let face_box = query.r#box.as_deref().map(parse_box).transpose()?;
    let intake = &state.intake;
    let face = match face_box {
        None => intake.image(&request, payload, &model, times).await?,
        Some(face_box) => {
            let cropped = intake.face(&request, payload, &model, face_box, times);
            cropped.await?
        }
    };
    let face = face.map_err(|error| {
        let ImageProblem { code, detail } = error.into();
        ApiError::new(code, detail)
    })?;
    let _admission = client.admit(1)?;
    // Acquired after the body was received, so that a slow body does not hold a permit.
    let _permit = state.explanations.try_acquire().map_err(|_| busy(&state))?;
    let explanation = explanation::explain(&model.batcher, face, class, times.deadline).await?;
    match format {
        Format::Json => Ok(HttpResponse::Ok()
            .insert_header((header::VARY, "accept"))
            .json(Document::of(&model, &explanation))),
        Format::Png => png(explanation).await,
    }
}

/// Parses `x,y,width,height`. The photo is needed to check the range.
fn parse_box(text: &str) -> Result<BoundingBox, ApiError> {
    let numbers: Result<Vec<f32>, _> = text.split(',').map(str::parse).collect();
    match numbers.as_deref() {
        Ok(&[x, y, width, height]) => Ok(BoundingBox {
            x,
            y,
            width,
            height,
        }),
        _ => {
            let detail = format!(
                "query: box is `{}`; expected four numbers: x,y,width,height",
                Excerpt(text)
            );
            Err(ApiError::invalid_request(detail))
        }
    }
}

/// Returns the index of a label.
fn class(labels: &Labels, label: &str) -> Result<usize, ApiError> {
    let class = labels.names().iter().position(|name| name == label);
    class.ok_or_else(|| {
        let known = labels.names().join(", ");
        let label = Excerpt(label);
        let detail = format!("query: unknown label `{label}`; the labels of the model are {known}");
        ApiError::invalid_request(detail)
    })
}

fn busy(state: &AppState) -> ApiError {
    let max = state.limits.max_explanations;
    ApiError::overloaded(format!(
        "{max} explanations are running, which is the maximum (--max-explanations); try again later"
    ))
}

/// Renders the PNG on a blocking thread, because compression takes milliseconds.
async fn png(explanation: Explanation) -> Result<HttpResponse, ApiError> {
    let draw = move || explanation::overlay(explanation.occlusion.face(), &explanation.map);
    let file = web::block(draw).await.map_err(ApiError::internal)?;
    Ok(HttpResponse::Ok()
        .content_type(mime::IMAGE_PNG)
        .insert_header((header::VARY, "accept"))
        .body(file))
}
