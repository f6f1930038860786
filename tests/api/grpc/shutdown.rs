//! Health checks and shutdown.

use actix_web::rt;
use futures_util::{StreamExt, stream};
use mien::grpc::proto::{ServerLiveRequest, ServerReadyRequest};
use tonic::{
    Code, Status,
    transport::{Channel, Endpoint},
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use super::{Client, faces, serve, start};
use crate::eventually::{TIMEOUT, eventually};

async fn health(client: &mut HealthClient<Channel>, service: &str) -> Result<i32, Status> {
    let request = HealthCheckRequest {
        service: service.to_owned(),
    };
    client
        .check(request)
        .await
        .map(|response| response.into_inner().status)
}

#[actix_web::test]
async fn health_watch_reports_shutdown() {
    let (mut app, channel) = serve(&["--drain-delay=1h"]).await;
    let (mut checks, mut client) = (HealthClient::new(channel.clone()), Client::new(channel));
    let (serving, not_serving) = (1, 2);
    for service in ["", "inference.GRPCInferenceService"] {
        assert_eq!(health(&mut checks, service).await.unwrap(), serving);
    }
    assert_eq!(
        health(&mut checks, "nope").await.unwrap_err().code(),
        Code::NotFound
    );
    let request = HealthCheckRequest::default();
    let mut watched = checks.watch(request).await.unwrap().into_inner();
    assert_eq!(watched.next().await.unwrap().unwrap().status, serving);

    app.stop();
    assert_eq!(watched.next().await.unwrap().unwrap().status, not_serving);
    assert_eq!(health(&mut checks, "").await.unwrap(), not_serving);
    assert!(
        !client
            .server_ready(ServerReadyRequest {})
            .await
            .unwrap()
            .get_ref()
            .ready
    );
    // Requests are processed until --drain-delay has elapsed.
    assert!(client.model_infer(faces(&["happy"])).await.is_ok());
}

#[actix_web::test]
async fn shutdown_ends_open_streams() {
    let (mut app, channel) = serve(&["--drain-timeout=1h"]).await;
    let (mut health, mut client) = (HealthClient::new(channel.clone()), Client::new(channel));
    let watched = health.watch(HealthCheckRequest::default()).await.unwrap();
    let mut watched = watched.into_inner();
    assert!(watched.next().await.unwrap().is_ok());
    let messages = stream::iter([faces(&["happy"])]).chain(stream::pending());
    let responses = client.model_stream_infer(messages).await.unwrap();
    let mut responses = responses.into_inner();
    assert_eq!(responses.next().await.unwrap().unwrap().error_message, "");

    app.stop();
    // Streams that their clients keep open end normally or with the error of the closed connection.
    while let Some(Ok(_)) = watched.next().await {}
    assert!(!matches!(responses.next().await, Some(Ok(_))));
    eventually(TIMEOUT, "the port is closed", async || {
        client.server_live(ServerLiveRequest {}).await.err()
    })
    .await;
}

#[actix_web::test]
async fn pending_call_completes_during_shutdown() {
    // The delay must be long enough to observe the queued image.
    let (mut app, channel) =
        serve(&["--max-queue-delay=3s", "--max-batch=9", "--instances=1"]).await;
    let mut client = Client::new(channel);
    let pending = rt::spawn(async move { client.model_infer(faces(&["happy"])).await });
    app.until_metric("mien_queue_images{model=\"small\",priority=\"live\"}", 1.0)
        .await;
    app.stop();
    assert_eq!(
        pending.await.unwrap().unwrap().get_ref().model_name,
        "small"
    );
    app.stop_and_wait().await;
}

/// Calls the server, each time over a new connection, until it refuses connections. Returns the number of responses.
async fn call_until_refused(address: String) -> usize {
    let mut responses = 0;
    let endpoint = Endpoint::new(address).unwrap();
    while let Ok(channel) = endpoint.connect().await {
        let live = Client::new(channel).server_live(ServerLiveRequest {}).await;
        let answered = live.is_ok() || live.as_ref().is_err_and(is_response);
        assert!(answered, "{responses} responses, then {live:?}");
        responses += 1;
    }
    responses
}

/// Returns whether the server sent the status.
fn is_response(status: &Status) -> bool {
    status.metadata().contains_key("x-request-id")
}

#[actix_web::test]
#[cfg(target_os = "linux")]
async fn shutdown_answers_calls_on_new_connections() {
    for _ in 0..2 {
        let (mut app, address) = start(&["--drain-delay=0s"]);
        let clients: Vec<_> = (0..4)
            .map(|_| tokio::spawn(call_until_refused(address.clone())))
            .collect();
        let calls = "mien_grpc_requests_total{code=\"ok\",method=\"inference.GRPCInferenceService/ServerLive\"}";
        eventually(TIMEOUT, "the load has begun", async || {
            (app.metric(calls).await > 50.0).then_some(())
        })
        .await;
        app.stop_and_wait().await;
        for client in clients {
            assert!(client.await.unwrap() > 0);
        }
    }
}
