//! Limits of connections and time over gRPC.

use std::{io, time::Duration};

use actix_web::rt;
use futures_util::{FutureExt, Stream, StreamExt, stream};
use mien::grpc::proto::ServerLiveRequest;
use tonic::{Code, transport::Endpoint};

use super::{Client, connect, faces, framed, is_live, serve, start};
use crate::helpers::http_2;

#[actix_web::test]
async fn grpc_connections_are_limited() {
    let (_app, address) = start(&["--max-connections=1"]);
    let first = connect(&address).await;
    Client::new(first.clone())
        .server_live(ServerLiveRequest {})
        .await
        .unwrap();
    let second = Endpoint::new(address.clone()).unwrap().connect_lazy();
    let mut client = Client::new(second);
    let mut waiting = Box::pin(client.server_live(ServerLiveRequest {}));
    for _ in 0..20 {
        assert!(
            waiting.as_mut().now_or_never().is_none(),
            "the second connection received a response"
        );
        Client::new(first.clone())
            .server_live(ServerLiveRequest {})
            .await
            .unwrap();
    }
    drop(first);
    assert!(waiting.await.unwrap().get_ref().live);
}

/// Sends the bytes of a call over a new connection.
async fn send_messages(
    address: &str,
    call: &str,
    chunks: impl Stream<Item = io::Result<bytes::Bytes>> + Send + 'static,
) -> reqwest::Response {
    http_2()
        .post(format!("{address}/inference.GRPCInferenceService/{call}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(reqwest::Body::wrap_stream(chunks))
        .send()
        .await
        .unwrap()
}

/// Starts a call and sends only the beginning of its message.
async fn send_partial_message(address: &str, call: &str) -> reqwest::Response {
    let start = bytes::Bytes::from_static(&[0, 0, 0, 1, 0, 7, 7]);
    let body = stream::iter([Ok(start)]).chain(stream::pending());
    send_messages(address, call, body).await
}

/// Returns the number of length-prefixed messages.
fn count_messages(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while let Some(([_, length @ ..], rest)) = bytes.split_first_chunk::<5>() {
        bytes = &rest[u32::from_be_bytes(*length) as usize..];
        count += 1;
    }
    count
}

#[actix_web::test]
async fn slow_message_is_cancelled() {
    let (_app, address) = start(&["--body-timeout=50ms"]);
    let response = send_partial_message(&address, "ModelInfer").await;
    let status = response.headers()["grpc-status"].to_str().unwrap();
    assert_eq!(status, (Code::DeadlineExceeded as i32).to_string());
    // A streaming call receives the head before its message. The trailers contain the status.
    let response = send_partial_message(&address, "ModelStreamInfer").await;
    assert_eq!(response.bytes().await.unwrap().len(), 0);
}

#[actix_web::test]
async fn body_timeout_applies_to_each_message() {
    let (_app, address) = start(&["--body-timeout=2s"]);
    let message = framed(&faces(&["happy"]));
    let messages = message.repeat(6);
    // Each chunk ends in the middle of a message, so at every moment a message is incomplete. All messages together take longer
    // than the timeout.
    let (first, rest) = messages.split_at(message.len() / 2);
    let chunks: Vec<_> = std::iter::once(first)
        .chain(rest.chunks(message.len()))
        .map(bytes::Bytes::copy_from_slice)
        .collect();
    let chunks = stream::iter(chunks).then(async |chunk| {
        rt::time::sleep(Duration::from_millis(400)).await;
        Ok(chunk)
    });
    let response = send_messages(&address, "ModelStreamInfer", chunks).await;
    let responses = response.bytes().await.unwrap();
    assert_eq!(count_messages(&responses), 6);
}

#[actix_web::test]
async fn stream_may_be_idle_between_messages() {
    let (_app, channel) = serve(&["--body-timeout=500ms"]).await;
    // The pause must exceed --body-timeout. A longer pause does not change the result.
    let messages = stream::unfold(0, async |number| {
        rt::time::sleep(Duration::from_millis(600)).await;
        (number < 2).then(|| (faces(&["happy"]), number + 1))
    });
    let responses = Client::new(channel)
        .model_stream_infer(messages)
        .await
        .unwrap()
        .into_inner();
    let responses: Vec<_> = responses.collect().await;
    assert_eq!(responses.len(), 2);
    for response in responses {
        assert_eq!(response.unwrap().error_message, "");
    }
}

#[actix_web::test]
async fn idle_stream_is_ended() {
    let (_app, address) = start(&["--keep-alive=50ms", "--request-timeout=50ms"]);
    let mut client = Client::new(connect(&address).await);
    let stream = client.model_stream_infer(stream::pending()).await;
    let status = stream
        .unwrap()
        .into_inner()
        .next()
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(status.message().contains("--keep-alive"), "{status}");
}

#[actix_web::test]
async fn unary_call_is_processed_before_its_stream_ends() {
    let (_app, address) = start(&["--body-timeout=1h", "--request-timeout=1h"]);
    let message = bytes::Bytes::from(framed(&faces(&["happy"])));
    let body = stream::iter([Ok(message)]).chain(stream::pending());
    let response = send_messages(&address, "ModelInfer", body).await;
    assert_eq!(count_messages(&response.bytes().await.unwrap()), 1);
}

#[actix_web::test]
async fn long_metadata_is_rejected() {
    let (_app, address) = start(&[]);
    let request = http_2()
        .post(format!(
            "{address}/inference.GRPCInferenceService/ServerLive"
        ))
        .header("content-type", "application/grpc")
        .header("x-long", "a".repeat(9000));
    assert_eq!(request.send().await.unwrap().status(), 431);
}

#[actix_web::test]
async fn silent_connection_is_closed() {
    let (_app, address) = start(&["--max-connections=1", "--header-timeout=50ms"]);
    let silent = std::net::TcpStream::connect(address.strip_prefix("http://").unwrap()).unwrap();
    let mut client = Client::new(Endpoint::new(address.clone()).unwrap().connect_lazy());
    assert!(is_live(&mut client).await);
    // A connection that has sent its preface may be idle. The pause must exceed --header-timeout (50 ms); a longer pause does not
    // change the result.
    rt::time::sleep(Duration::from_millis(200)).await;
    assert!(is_live(&mut client).await);
    drop(silent);
}
