//! What a client may take of the server over gRPC.

use std::time::Duration;

use futures_util::{FutureExt, stream};
use tokio::sync::mpsc;

use super::*;

#[actix_web::test]
async fn grpc_messages_count_in_body_memory() {
    let (_app, channel) = serve(&["--max-body-memory=6KB"]).await;
    let mut client = Client::new(channel);
    let one = || faces(&["happy"]);
    let (code, message) = code(&mut client, faces(&["happy", "sad", "fear"])).await;
    assert_eq!(code, Code::Unavailable, "{message}");
    // What was taken comes back, however it ended.
    for _ in 0..10 {
        client.model_infer(one()).await.unwrap();
    }
    let (requests, messages) = mpsc::channel(1);
    let messages = stream::unfold(messages, async |mut messages| {
        messages.recv().await.map(|message| (message, messages))
    });
    requests.send(one()).await.unwrap();
    let mut answers = client
        .model_stream_infer(messages)
        .await
        .unwrap()
        .into_inner();
    for _ in 0..10 {
        assert_eq!(answers.next().await.unwrap().unwrap().error_message, "");
        requests.send(one()).await.unwrap();
    }
}

#[actix_web::test]
async fn list_tensors_count_in_body_memory() {
    let (_app, channel) = serve(&["--max-body-memory=20kB"]).await;
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
            "a second connection was answered"
        );
        Client::new(first.clone())
            .server_live(ServerLiveRequest {})
            .await
            .unwrap();
    }
    drop(first);
    assert!(waiting.await.unwrap().get_ref().live);
}

/// A call whose message has only begun, over a connection of its own.
async fn half_a_message(address: &str, call: &str) -> reqwest::Response {
    let begun = bytes::Bytes::from_static(&[0, 0, 0, 1, 0, 7, 7]);
    let body = stream::iter([Ok::<_, std::io::Error>(begun)]).chain(stream::pending());
    let client = http_2();
    client
        .post(format!("{address}/inference.GRPCInferenceService/{call}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(reqwest::Body::wrap_stream(body))
        .send()
        .await
        .unwrap()
}

#[actix_web::test]
async fn slow_message_is_cancelled() {
    let (_app, address) = start(&["--body-timeout=50ms", "--max-queue-size=4096"]);
    let answer = half_a_message(&address, "ModelInfer").await;
    let status = answer.headers()["grpc-status"].to_str().unwrap();
    assert_eq!(status, (Code::DeadlineExceeded as i32).to_string());
    // Of a stream the head is there before the message; the body ends with the status in its trailers.
    let answer = half_a_message(&address, "ModelStreamInfer").await;
    assert_eq!(answer.bytes().await.unwrap().len(), 0);

    // A client that is always ahead, whose messages take longer together than one may.
    let mut large = faces(&["happy"; 64]);
    large.raw_input_contents[0] = vec![128; 64 * 48 * 48].into();
    let mut client = Client::new(connect(&address).await);
    let answers = client
        .model_stream_infer(stream::iter(vec![large; 40]))
        .await
        .unwrap();
    let answers: Vec<_> = answers.into_inner().collect().await;
    assert_eq!(answers.len(), 40);
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().unwrap().error_message.is_empty())
    );

    // Between two messages it may be silent for as long as it likes.
    let messages = stream::unfold(0, async |number| {
        rt::time::sleep(Duration::from_millis(200)).await;
        (number < 2).then(|| (faces(&["happy"]), number + 1))
    });
    let answers = client
        .model_stream_infer(messages)
        .await
        .unwrap()
        .into_inner();
    let answers: Vec<_> = answers.collect().await;
    assert_eq!(answers.len(), 2);
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().unwrap().error_message.is_empty())
    );
}

#[actix_web::test]
async fn silent_connection_is_closed() {
    let (_app, address) = start(&["--max-connections=1", "--header-timeout=50ms"]);
    let silent = std::net::TcpStream::connect(address.strip_prefix("http://").unwrap()).unwrap();
    let mut client = Client::new(Endpoint::new(address.clone()).unwrap().connect_lazy());
    assert!(
        client
            .server_live(ServerLiveRequest {})
            .await
            .unwrap()
            .get_ref()
            .live
    );
    // Who has said what it speaks may then be silent.
    rt::time::sleep(Duration::from_millis(200)).await;
    assert!(
        client
            .server_live(ServerLiveRequest {})
            .await
            .unwrap()
            .get_ref()
            .live
    );
    drop(silent);
}
