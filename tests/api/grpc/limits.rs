//! What a client may take of the server over gRPC.

use futures_util::{FutureExt, stream};
use tokio::sync::mpsc;

use super::*;

#[actix_web::test]
async fn messages_take_from_the_memory_for_bodies() {
    let (_app, channel) = serve(&["--max-buffered=6KB"]).await;
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
    let mut answers = client.model_stream_infer(messages).await.unwrap().into_inner();
    for _ in 0..10 {
        assert_eq!(answers.next().await.unwrap().unwrap().error_message, "");
        requests.send(one()).await.unwrap();
    }
}

#[actix_web::test]
async fn numbers_in_lists_take_the_memory_that_they_have_unpacked() {
    let (_app, channel) = serve(&["--max-buffered=20kB"]).await;
    let mut client = Client::new(channel);
    let raw = || faces(&["happy", "sad"]);
    let mut listed = raw();
    let gray = std::mem::take(&mut listed.raw_input_contents);
    let uint_contents = gray[0].iter().map(|&gray| gray.into()).collect();
    listed.inputs[0].contents = Some(InferTensorContents { uint_contents, ..Default::default() });
    for _ in 0..3 {
        let (code, message) = code(&mut client, listed.clone()).await;
        assert_eq!(code, Code::Unavailable, "{message}");
        client.model_infer(raw()).await.unwrap();
    }
}

#[actix_web::test]
async fn no_more_connections_than_there_may_be() {
    let (_app, address) = start(&["--max-connections=1"]);
    let first = connect(&address).await;
    Client::new(first.clone()).server_live(ServerLiveRequest {}).await.unwrap();
    let second = Endpoint::new(address.clone()).unwrap().connect_lazy();
    let mut client = Client::new(second);
    let mut waiting = Box::pin(client.server_live(ServerLiveRequest {}));
    for _ in 0..20 {
        assert!(waiting.as_mut().now_or_never().is_none(), "a second connection was answered");
        Client::new(first.clone()).server_live(ServerLiveRequest {}).await.unwrap();
    }
    drop(first);
    assert!(waiting.await.unwrap().get_ref().live);
}
