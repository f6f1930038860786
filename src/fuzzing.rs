//! Entry points of the fuzz targets in `fuzz/`. They panic only if the code under test does.
//!
//! The results are dropped because an error is the expected one for most inputs.

use std::{io::Cursor, pin::Pin, sync::LazyLock};

use actix_web::{
    FromRequest, HttpRequest, dev, error::PayloadError, http::header::CONTENT_TYPE,
    test::TestRequest, web,
};
use bytes::Bytes;
use clap::{Args, FromArgMatches};
use futures_util::{Stream, stream};
use prost::Message;
use tokio::runtime::{Builder, Runtime};

use crate::{
    grpc::{self, body_limit::fuzzing::read_messages, proto::ModelInferRequest},
    http::routes::oip::wire,
    intake::{
        deepface,
        memory_limit::{BodyMemoryLimit, Reservation},
        upload,
    },
    json::ElementLimits,
    models::{external_data::ExternalData, onnx_metadata, signing},
    settings::LimitSettings,
};

static LIMITS: LazyLock<LimitSettings> = LazyLock::new(|| {
    let command = LimitSettings::augment_args(clap::Command::new("fuzz"));
    LimitSettings::from_arg_matches(&command.get_matches_from(["fuzz"]))
        .expect("every limit has a default")
});

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime without I/O starts")
});

/// A body and its type.
struct Body {
    content_type: &'static str,
    payload: dev::Payload,
}

impl Body {
    fn json(bytes: &[u8]) -> Self {
        Self {
            content_type: "application/json",
            payload: Bytes::copy_from_slice(bytes).into(),
        }
    }

    /// Returns a form with the boundary `fuzz`. The first byte is the size of the chunks that the form arrives in.
    fn form(bytes: &[u8]) -> Option<Self> {
        let (&size, form) = bytes.split_first()?;
        let chunks = form
            .chunks(usize::from(size).max(1))
            .map(Bytes::copy_from_slice);
        let chunks: Vec<Result<Bytes, PayloadError>> = chunks.map(Ok).collect();
        let chunks: Pin<Box<dyn Stream<Item = _>>> = Box::pin(stream::iter(chunks));
        Some(Self {
            content_type: "multipart/form-data; boundary=fuzz",
            payload: chunks.into(),
        })
    }

    fn into_request(mut self) -> (HttpRequest, web::Payload) {
        let request = TestRequest::default()
            .insert_header((CONTENT_TYPE, self.content_type))
            .to_http_request();
        let payload = web::Payload::from_request(&request, &mut self.payload).into_inner();
        (request, payload.expect("a payload can be taken once"))
    }
}

/// Reads a form with images.
pub fn multipart(bytes: &[u8]) {
    if let Some(form) = Body::form(bytes) {
        read_images(form);
    }
}

/// Parses images in JSON.
pub fn json_images(bytes: &[u8]) {
    read_images(Body::json(bytes));
}

fn read_images(body: Body) {
    let (request, payload) = body.into_request();
    let _ = RUNTIME.block_on(upload::read(&request, payload, &LIMITS, reservation()));
}

/// Reads a form of `/analyze`.
pub fn analysis_form(bytes: &[u8]) {
    if let Some(form) = Body::form(bytes) {
        read_analysis(form);
    }
}

/// Parses the JSON of `/analyze`.
pub fn analysis_json(bytes: &[u8]) {
    read_analysis(Body::json(bytes));
}

fn read_analysis(body: Body) {
    let (request, payload) = body.into_request();
    let _ = RUNTIME.block_on(deepface::read(&request, payload, &LIMITS, reservation()));
}

fn reservation() -> Reservation {
    BodyMemoryLimit::new(1 << 20).reservation()
}

/// Receives the messages of a gRPC call. The first byte is the size of the chunks that they arrive in.
pub fn grpc_messages(bytes: &[u8]) {
    if let Some((&chunk, messages)) = bytes.split_first() {
        let _ = read_messages(messages, usize::from(chunk));
    }
}

/// Searches a model file for external data.
pub fn external_data(bytes: &[u8]) {
    let _ = ExternalData::read(Cursor::new(bytes));
}

/// Parses a request of the inference protocol. The first two bytes are the length of its JSON, little-endian; binary data
/// follows the JSON.
pub fn v2_request(bytes: &[u8]) {
    let Some((length, body)) = bytes.split_first_chunk() else {
        return;
    };
    let length = usize::from(u16::from_le_bytes(*length)).min(body.len());
    let limits = ElementLimits {
        numbers: 1 << 16,
        strings: 64,
    };
    let _ = wire::parse(&Bytes::copy_from_slice(body), length, limits);
}

/// Decodes a `ModelInferRequest` and converts it to a request of the inference protocol.
pub fn grpc_request(bytes: &[u8]) {
    if grpc::message_memory::decoded(bytes).is_ok()
        && let Ok(message) = ModelInferRequest::decode(bytes)
    {
        let _ = grpc::convert::request(message);
    }
}

/// Reads the metadata of a model file.
pub fn onnx_metadata(bytes: &[u8]) {
    let _ = onnx_metadata::metadata(Cursor::new(bytes));
}

/// Reads the signature of a model without verifying it.
pub fn signature_bundle(bytes: &[u8]) {
    if let Ok(text) = str::from_utf8(bytes) {
        signing::fuzzing::read_bundle(text);
    }
}

/// Reads the list of signed files.
pub fn signed_files(bytes: &[u8]) {
    signing::fuzzing::read_statement(bytes);
}
