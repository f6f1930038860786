//! `POST /v2/models/{model}[/versions/{version}]/infer`.

use std::time::Instant;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderName},
    web::{self, Bytes},
};
use tokio::task::spawn_blocking;

use super::{
    ModelPath,
    wire::{self, Binary},
};
use crate::{
    http::{
        ApiError, State, body, compression::Format, deadline, error::OipError,
        server_timing::server_timing,
    },
    intake::memory_limit::Reservation,
    oip::{InferRequest, InferResponse},
};

/// The header that tells where the JSON ends and the data of tensors begin.
const JSON_LENGTH: HeaderName = HeaderName::from_static("inference-header-content-length");

/// The largest JSON, in bytes, that is read between two other requests; a larger one has a thread of its own.
const QUICK_JSON: usize = 64 << 10;

/// Ask a model.
///
/// The body is JSON or, in the binary extension, JSON followed by the data of tensors, with the JSON's length in
/// `Inference-Header-Content-Length`. Where that is 0 the whole body is the data of the model's own input, and
/// the answer is binary.
///
/// The input is the graph's own (`GET /v2/models/{model}` tells it) in its own datatype, or `BYTES` of shape `[N]`:
/// encoded pictures as `/v1/classify` takes them (in JSON as base64). The outputs are the graph's. The
/// parameter `classification` of an output gives `value:index:label` in its place, `timeout` of a request is in
/// microseconds, a `priority` of 2 or more yields to other requests.
///
/// Bodies may be compressed (`Content-Encoding: gzip` or `deflate`), answers are where `Accept-Encoding` prefers it.
#[utoipa::path(
    post,
    path = "/v2/models/{model}/infer",
    tag = "inference",
    operation_id = "v2Infer",
    params(
        ModelPath,
        ("inference-header-content-length" = Option<u64>, Header, description =
            "The length of the JSON in bytes, where data follow it; 0 for data alone."),
        ("x-request-timeout-ms" = Option<u64>, Header, minimum = 1, description =
            "A deadline for this request, in milliseconds; the server's own applies where it is shorter.")
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
        (status = 400, description = "The request or a picture in it is wrong.", body = OipError),
        (status = 404, description = "No such model serves.", body = OipError),
        (status = 408, description = "The body took too long to arrive.", body = OipError),
        (status = 413, description = "Too many bytes (unpacked), pixels or images.", body = OipError),
        (status = 415, description = "The body is compressed in another way.", body = OipError),
        (status = 500, description = "The server's fault.", body = OipError),
        (status = 503, description = "The images do not fit the queue.", body = OipError,
            headers(("Retry-After" = u64, description = "Seconds, at least 1."))),
        (status = 504, description = "The answer was not there in time.", body = OipError),
    )
)]
pub async fn infer(
    request: HttpRequest,
    path: web::Path<ModelPath>,
    payload: web::Payload,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let start = Instant::now();
    let limits = state.v2.limits();
    let deadline = start + deadline::timeout(&request, limits.request_timeout)?;
    let model = state.v2.model(&path.model, path.version.as_deref())?;
    let json_length = json_length(&request)?;
    let packed = Format::of_body(&request)?;

    if body::is_large(&request) {
        // Nobody waits for a body only to hear that there is no room.
        model.batcher.ensure_capacity(1)?;
    }
    // To the end: the data of tensors are parts of the body.
    let reservation = state.bodies.reservation();
    let stream = body::limited(&request, payload, limits.max_body, reservation.clone())?;
    let reading = body::collect(stream, limits.max_body);
    let mut body = body::with_timeout(reading, start, deadline, limits).await?;
    if let Some(format) = packed {
        let (most, reservation) = (limits.max_body, reservation.clone());
        let unpacked = spawn_blocking(move || format.decompress(&body, most, &reservation));
        body = unpacked.await.map_err(ApiError::internal)??;
    }
    let (request_v2, binary) = match json_length {
        Some(0) => {
            let inputs = vec![state.v2.raw_input(&model, body)];
            let binary = Binary { default: true, outputs: Vec::new() };
            (InferRequest { inputs, ..InferRequest::default() }, binary)
        }
        length => parse(body, length, &reservation).await?,
    };
    let response = state.v2.infer(&model, request_v2, deadline).await?;
    answer(&request, &response, &binary)
}

fn json_length(request: &HttpRequest) -> Result<Option<usize>, ApiError> {
    let Some(header) = request.headers().get(&JSON_LENGTH) else { return Ok(None) };
    let length = header.to_str().ok().and_then(|text| text.trim().parse().ok());
    let wrong = || ApiError::invalid_request(format!("{JSON_LENGTH}: expected a count of bytes"));
    length.map(Some).ok_or_else(wrong)
}

/// Reads the JSON of a body. The memory for its numbers is taken from the reservation before they are read.
async fn parse(
    body: Bytes,
    length: Option<usize>,
    reservation: &Reservation,
) -> Result<(InferRequest, Binary), ApiError> {
    let length = length.unwrap_or(body.len());
    if length > body.len() {
        let detail = format!("{JSON_LENGTH} is {length}, but the body has {} bytes", body.len());
        return Err(ApiError::invalid_request(detail));
    }
    if !reservation.reserve(wire::size_of_numbers(&body[..length])) {
        return Err(body::memory_exhausted());
    }
    let parsed = if length <= QUICK_JSON {
        wire::parse(&body, length)
    } else {
        let parsed = spawn_blocking(move || wire::parse(&body, length));
        parsed.await.map_err(ApiError::internal)?
    };
    Ok(parsed?)
}

fn answer(
    request: &HttpRequest,
    response: &InferResponse,
    binary: &Binary,
) -> Result<HttpResponse, ApiError> {
    let (mut body, json_length) = wire::body(response, binary)?;
    let InferResponse { preprocess, queue, inference, .. } = response;
    let mut answer = HttpResponse::Ok();
    answer.insert_header(server_timing(*preprocess, *queue, *inference));
    match json_length {
        None => answer.content_type(mime::APPLICATION_JSON),
        Some(length) => {
            answer.insert_header((JSON_LENGTH, length));
            answer.content_type(mime::APPLICATION_OCTET_STREAM)
        }
    };
    if let Some(format) = Format::accepted(request) {
        body = format.compress(&body).map_err(ApiError::internal)?;
        answer.insert_header((header::CONTENT_ENCODING, format.name()));
    }
    answer.insert_header((header::VARY, "accept-encoding"));
    Ok(answer.body(body))
}
