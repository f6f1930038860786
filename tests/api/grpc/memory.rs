//! The memory of gRPC calls within `--max-body-memory`.

use futures_util::{StreamExt, stream};
use mien::grpc::proto::{InferTensorContents, ModelReadyRequest};
use tokio::sync::mpsc;
use tonic::{Code, codec::CompressionEncoding};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest,
};

use super::{Client, code, faces, serve};

#[actix_web::test]
async fn grpc_messages_count_in_body_memory() {
    let (_app, channel) = serve(&["--max-body-memory=70KB"]).await;
    let mut client = Client::new(channel);
    let one = || faces(&["happy"]);
    let (code, message) = code(&mut client, faces(&["happy"; 30])).await;
    assert_eq!(code, Code::Unavailable, "{message}");
    // The memory is released after both failed and successful calls.
    for _ in 0..10 {
        client.model_infer(one()).await.unwrap();
    }
    let (requests, messages) = mpsc::channel(1);
    let messages = stream::unfold(messages, async |mut messages| {
        messages.recv().await.map(|message| (message, messages))
    });
    requests.send(one()).await.unwrap();
    let mut responses = client
        .model_stream_infer(messages)
        .await
        .unwrap()
        .into_inner();
    for _ in 0..10 {
        assert_eq!(responses.next().await.unwrap().unwrap().error_message, "");
        requests.send(one()).await.unwrap();
    }
}

#[actix_web::test]
async fn list_tensors_count_in_body_memory() {
    let (_app, channel) = serve(&["--max-body-memory=70kB"]).await;
    let mut client = Client::new(channel);
    let raw = || faces(&["happy", "sad"]);
    let mut listed = raw();
    let gray = std::mem::take(&mut listed.raw_input_contents);
    let uint_contents = gray[0].iter().map(|&gray| gray.into()).collect();
    listed.inputs[0].contents = Some(InferTensorContents {
        uint_contents,
        ..Default::default()
    });
    for _ in 0..3 {
        let (code, message) = code(&mut client, listed.clone()).await;
        assert_eq!(code, Code::Unavailable, "{message}");
        client.model_infer(raw()).await.unwrap();
    }
}

#[actix_web::test]
async fn decompressed_messages_count_in_body_memory() {
    let (_app, channel) = serve(&["--max-body-memory=300kB"]).await;
    let mut client = Client::new(channel);
    for encoding in [CompressionEncoding::Gzip, CompressionEncoding::Deflate] {
        let compressed = &mut client.clone().send_compressed(encoding);
        // 1 kB becomes 1 MB.
        let mut request = faces(&["happy"]);
        request.raw_input_contents = vec![vec![0; 1_000_000].into()];
        let (code, message) = code(compressed, request.clone()).await;
        assert_eq!(code, Code::Unavailable, "{message}");
        let responses = compressed.model_stream_infer(stream::iter([request])).await;
        let status = responses.unwrap().into_inner().next().await.unwrap();
        assert_eq!(status.unwrap_err().code(), Code::Unavailable);
        compressed.model_infer(faces(&["happy"])).await.unwrap();
    }
    client.model_infer(faces(&["happy"])).await.unwrap();
}

#[actix_web::test]
async fn reflection_messages_release_memory_when_handled() {
    let (app, channel) = serve(&["--max-body-memory=200kB"]).await;
    let (requests, messages) = mpsc::channel(1);
    let messages = stream::unfold(messages, async |mut messages| {
        messages.recv().await.map(|message| (message, messages))
    });
    let mut reflection = ServerReflectionClient::new(channel.clone());
    let responses = reflection.server_reflection_info(messages).await.unwrap();
    let mut responses = responses.into_inner();
    let request = || ServerReflectionRequest {
        host: "a".repeat(10_000),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    // All messages together have 40 MB.
    for _ in 0..4000 {
        requests.send(request()).await.unwrap();
        assert!(responses.next().await.unwrap().is_ok());
    }
    // The stream is idle now.
    app.assert_classifies().await;
    Client::new(channel)
        .model_infer(faces(&["happy"]))
        .await
        .unwrap();
}

#[actix_web::test]
async fn long_small_messages_are_rejected() {
    let (_app, channel) = serve(&[]).await;
    let request = ModelReadyRequest {
        name: "a".repeat(17_000),
        ..Default::default()
    };
    let status = Client::new(channel).model_ready(request).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.message().contains("16384"), "{status}");
}

#[actix_web::test]
async fn reflection_reports_why_it_ended() {
    let (_app, channel) = serve(&[]).await;
    let request = ServerReflectionRequest {
        host: "a".repeat(17_000),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let requests = stream::iter([request]).chain(stream::pending());
    let mut reflection = ServerReflectionClient::new(channel);
    let responses = reflection.server_reflection_info(requests).await.unwrap();
    let status = responses.into_inner().next().await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
}
