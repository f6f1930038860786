//! `POST /v2/models/{model}[/versions/{version}]/infer`.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{self, Bytes},
};

use tokio::task::spawn_blocking;

use super::{
    ModelPath,
    wire::{self, Binary},
};
use crate::{
    app::AppState,
    http::{
        ApiError,
        extract::{ApiClient, request_times},
        headers::{INFERENCE_LENGTH, TimeoutHeader},
        response::{compression::Format, server_timing},
    },
    intake::{IntakeError, body, memory_limit::Reservation},
    json::{self, ElementLimits},
    models::registry::LiveModel,
    oip::{InferRequest, InferResponse, InputTensor},
    settings::LimitSettings,
    traces,
};

/// Run inference.
///
/// The body is JSON or, with the binary tensor data extension, JSON followed by tensor data; `Inference-Header-Content-Length`
/// is the length of the JSON. If it is 0, the whole body is the data of the model's input and the response is binary.
///
/// The input is that of the graph (see `GET /v2/models/{model}`) in its datatype, or `BYTES` of shape `[N]`: image files in the
/// formats of `/v1/classify`, in JSON as base64. The outputs are those of the graph. The parameter `classification` of an output
/// returns `value:index:label` instead of the values. `timeout` is in microseconds. A `priority` of 2 or more has background
/// priority.
///
/// Bodies may be compressed (`Content-Encoding: gzip` or `deflate`). Responses are compressed if `Accept-Encoding` prefers it.
#[utoipa::path(
    post,
    path = "/v2/models/{model}/infer",
    tag = "inference",
    operation_id = "v2Infer",
    params(
        ModelPath,
        ("inference-header-content-length" = Option<u64>, Header, description =
            "Length of the JSON in bytes if binary data follows; 0 for data only."),
        TimeoutHeader
    ),
    request_body(content(
        (serde_json::Value = "application/json", example = json!({
            "inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": ["iVBORw0KGgoAAAANSUhEUgAA..."]}],
            "outputs": [{"name": "probabilities", "parameters": {"classification": 1}}]
        })),
        (Vec<u8> = "application/octet-stream"),
    )),
    responses(
        (status = 200, description = "The outputs.", content(
            (serde_json::Value = "application/json", example = json!({
                "model_name": "resnet-20-v1", "model_version": "1",
                "outputs": [{"name": "probabilities", "datatype": "BYTES", "shape": [1, 1], "data": ["0.912345:3:happy"]}]
            })),
            (Vec<u8> = "application/octet-stream"),
        )),
    )
)]
pub async fn infer(
    request: HttpRequest,
    path: web::Path<ModelPath>,
    payload: web::Payload,
    ApiClient(client): ApiClient,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let limits = &state.limits;
    let times = request_times(&request, limits.request_timeout)?;
    let model = state.oip.model(&path.model, path.version.as_deref())?;
    let json_length = json_length(&request)?;
    let coding = Format::of_body(&request)?;

    if body::is_large(&request) {
        // A full queue rejects a large body before it is received.
        model.batcher.ensure_capacity(1)?;
    }
    // The reservation lives until the response, because tensor data are slices of the body.
    let reservation = state.intake.memory.reservation();
    let (intake, max_body) = (&state.intake, limits.max_body);
    let body = intake.body(&request, payload, max_body, reservation.clone(), times);
    let mut body = body.await?;
    let step = traces::step("parse");
    if let Some(format) = coding {
        let (max, reservation) = (limits.max_body, reservation.clone());
        let decompressed = spawn_blocking(move || format.decompress(&body, max, &reservation));
        body = decompressed.await.map_err(ApiError::internal)??;
    }
    let (request_v2, binary) = match json_length {
        Some(0) => raw(state.oip.raw_input(&model, body)),
        length => parse(body, length, element_limits(limits, &model), &reservation).await?,
    };
    drop(step);
    let inference = state.oip.infer(&model, request_v2, &client, times.deadline);
    let response = inference.await?;
    respond(&request, &response, &binary)
}

/// Returns the request of a body without JSON. Its outputs are binary.
fn raw(input: InputTensor) -> (InferRequest, Binary) {
    let request = InferRequest {
        inputs: vec![input],
        ..InferRequest::default()
    };
    let binary = Binary {
        default: true,
        outputs: Vec::new(),
    };
    (request, binary)
}

fn json_length(request: &HttpRequest) -> Result<Option<usize>, ApiError> {
    let Some(header) = request.headers().get(&INFERENCE_LENGTH) else {
        return Ok(None);
    };
    let length = header
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let invalid =
        || ApiError::invalid_request(format!("{INFERENCE_LENGTH}: expected a number of bytes"));
    length.map(Some).ok_or_else(invalid)
}

/// Returns the maximum number of elements of the input of a model.
fn element_limits(limits: &LimitSettings, model: &LiveModel) -> ElementLimits {
    let (images, side) = (limits.max_images.get(), model.signature.side);
    ElementLimits {
        numbers: images * side * side,
        strings: images,
    }
}

/// Parses the JSON of a body. The memory that parsing takes is reserved before.
async fn parse(
    body: Bytes,
    length: Option<usize>,
    limits: ElementLimits,
    reservation: &Reservation,
) -> Result<(InferRequest, Binary), ApiError> {
    let length = length.unwrap_or(body.len());
    if length > body.len() {
        let detail = format!(
            "{INFERENCE_LENGTH} is {length}, but the body has {} bytes",
            body.len()
        );
        return Err(ApiError::invalid_request(detail));
    }
    let reservation = reservation.clone();
    let parse = move || {
        if !reservation.reserve(json::memory(&body[..length], limits)) {
            return Err(IntakeError::MemoryExhausted.into());
        }
        wire::parse(&body, length, limits).map_err(ApiError::from)
    };
    let parsed = json::off_event_loop(length, parse).await;
    parsed.map_err(ApiError::internal)?
}

fn respond(
    request: &HttpRequest,
    response: &InferResponse,
    binary: &Binary,
) -> Result<HttpResponse, ApiError> {
    let _step = traces::step("serialize");
    let (mut body, json_length) = wire::body(response, binary)?;
    let InferResponse {
        preprocess,
        queue,
        inference,
        ..
    } = response;
    let mut builder = HttpResponse::Ok();
    builder.insert_header(server_timing(&[
        ("queue", *queue),
        ("preprocess", *preprocess),
        ("inference", *inference),
    ]));
    match json_length {
        None => builder.content_type(mime::APPLICATION_JSON),
        Some(length) => {
            builder.insert_header((INFERENCE_LENGTH, length));
            builder.content_type(mime::APPLICATION_OCTET_STREAM)
        }
    };
    if let Some(format) = Format::accepted(request) {
        body = format.compress(&body).map_err(ApiError::internal)?;
        builder.insert_header((header::CONTENT_ENCODING, format.name()));
    }
    builder.insert_header((header::VARY, "accept-encoding"));
    Ok(builder.body(body))
}
