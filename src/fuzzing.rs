//! Entry points of the fuzz targets in `fuzz/`. They panic only if the code under test does.
//!
//! The results are dropped because an error is the expected one for most inputs.

use std::{io::Cursor, pin::Pin, sync::LazyLock};

use actix_web::{
    FromRequest, dev, error::PayloadError, http::header::CONTENT_TYPE, test::TestRequest, web,
};
use bytes::Bytes;
use clap::{Args, FromArgMatches};
use futures_util::{Stream, stream};
use prost::Message;
use tokio::runtime::{Builder, Runtime};

use crate::{
    grpc::{self, body_limit::fuzzing::read_messages, proto::ModelInferRequest},
    http::routes::oip::wire,
    intake::{memory_limit::BodyMemoryLimit, upload},
    json::ElementLimits,
    models::{external_data::ExternalData, onnx_metadata},
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

/// Reads a multipart form with the boundary `fuzz`. The first byte is the size of the chunks that the form arrives in.
pub fn multipart(bytes: &[u8]) {
    let Some((&size, form)) = bytes.split_first() else {
        return;
    };
    let chunks = form
        .chunks(usize::from(size).max(1))
        .map(Bytes::copy_from_slice);
    let chunks: Vec<Result<Bytes, PayloadError>> = chunks.map(Ok).collect();
    let chunks: Pin<Box<dyn Stream<Item = _>>> = Box::pin(stream::iter(chunks));
    let mut payload = dev::Payload::from(chunks);
    read_upload("multipart/form-data; boundary=fuzz", &mut payload);
}

/// Parses images in JSON.
pub fn json_images(bytes: &[u8]) {
    let body = Bytes::copy_from_slice(bytes);
    read_upload("application/json", &mut dev::Payload::from(body));
}

fn read_upload(content_type: &str, payload: &mut dev::Payload) {
    let request = TestRequest::default()
        .insert_header((CONTENT_TYPE, content_type))
        .to_http_request();
    RUNTIME.block_on(async {
        let payload = web::Payload::from_request(&request, payload).await;
        let payload = payload.expect("a payload can be taken once");
        let reservation = BodyMemoryLimit::new(1 << 20).reservation();
        let _ = upload::read(&request, payload, &LIMITS, reservation).await;
    });
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
