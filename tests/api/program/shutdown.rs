//! Shutdown of the process by signals.

use std::{io::BufRead, os::unix::process::ExitStatusExt, time::Duration};

use actix_web::rt;
use reqwest::{Client, multipart};
use serde_json::Value;

use super::Server;
use crate::{
    eventually::{TIMEOUT, eventually},
    helpers::{assert_problem, face, http_2},
    lifecycle::{models_dir, models_flag},
};

/// Metric of one queued image.
const QUEUED: &str = "mien_queue_images{model=\"small\",priority=\"live\"} 1";

#[actix_web::test]
async fn sigterm_completes_requests_and_exits_with_0() {
    // Both delays must be long enough to observe the queued image and the readiness.
    let mut server = Server::start(&["--max-queue-delay=3s", "--drain-delay=2s"]);
    let log = server.log.take().unwrap();
    let reader = std::thread::spawn(move || log.lines().map_while(Result::ok).collect::<Vec<_>>());
    let client = Client::new();
    let part = multipart::Part::bytes(face("happy"));
    let request = client
        .post(server.url("/v1/classify"))
        .header("x-request-id", "in-flight");
    let request = rt::spawn(
        request
            .multipart(multipart::Form::new().part("image", part))
            .send(),
    );
    let get = async |path: &str| client.get(server.url(path)).send().await;
    eventually(TIMEOUT, "the image is queued", async || {
        let metrics = get("/metrics").await.unwrap().text().await.unwrap();
        metrics.contains(QUEUED).then_some(())
    })
    .await;

    server.terminate();
    let readiness = eventually(TIMEOUT, "the server is draining", async || {
        let readiness = get("/health/ready").await.unwrap();
        (readiness.status() != 200).then_some(readiness)
    })
    .await;
    assert_eq!(readiness.status(), 503);
    assert_eq!(
        readiness.json::<Value>().await.unwrap()["status"],
        "draining"
    );

    let response = request.await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.json::<Value>().await.unwrap()["predictions"][0]["label"],
        "fear"
    );
    assert_eq!(server.end().await, Some(0));
    let lines = reader.join().unwrap();
    assert!(
        lines.iter().any(|line| line.contains("\"in-flight\"")),
        "{lines:#?}"
    );
}

#[actix_web::test]
async fn idle_server_stops_at_once() {
    for client in [Client::new(), http_2()] {
        let server = Server::start(&["--drain-delay=0s", "--drain-timeout=1h"]);
        // An idle keep-alive connection must not delay the shutdown.
        client.get(server.url("/health/live")).send().await.unwrap();
        server.terminate();
        let ended = rt::time::timeout(Duration::from_secs(20), server.end()).await;
        assert_eq!(
            ended.expect("the server ends before --drain-timeout"),
            Some(0)
        );
    }
}

#[actix_web::test]
async fn endless_trial_does_not_delay_shutdown() {
    let root = models_dir(&[("a", "1", "small"), ("b", "1", "../endless/always")]);
    let flags = [
        models_flag(&root),
        "--inference-timeout=1h".to_owned(),
        "--drain-timeout=1h".to_owned(),
        "--drain-delay=0s".to_owned(),
    ];
    // The server is ready when the other model is loaded.
    let server = Server::start(&flags.each_ref().map(String::as_str));
    server.terminate();
    let ended = rt::time::timeout(Duration::from_secs(20), server.end()).await;
    assert_eq!(
        ended.expect("the server ends before --drain-timeout"),
        Some(0)
    );
}

#[actix_web::test]
async fn second_signal_ends_process() {
    // Without the second signal, the request would delay the end for an hour.
    let flags = [
        "--max-queue-delay=1h",
        "--request-timeout=1h",
        "--drain-timeout=1h",
        "--drain-delay=0s",
    ];
    let server = Server::start(&flags);
    let client = Client::new();
    let request = client.post(server.url("/v1/classify")).body(face("happy"));
    let request = rt::spawn(request.send());
    let get = async |path: &str| client.get(server.url(path)).send().await;
    eventually(TIMEOUT, "the image is queued", async || {
        let metrics = get("/metrics").await.unwrap().text().await.unwrap();
        metrics.contains(QUEUED).then_some(())
    })
    .await;
    server.terminate();
    eventually(TIMEOUT, "the port is closed", async || {
        get("/health/live").await.err()
    })
    .await;
    server.terminate();
    let ended = rt::time::timeout(Duration::from_secs(20), server.status()).await;
    assert_eq!(
        ended
            .expect("the server ends before --drain-timeout")
            .signal(),
        Some(9)
    );
    assert!(request.await.unwrap().is_err());
}

#[actix_web::test]
async fn slow_client_receives_large_response_in_shutdown() {
    let server = Server::start(&["--drain-delay=0s", "--drain-timeout=1h"]);
    // The server cannot send more than this window before the client reads.
    let slow = Client::builder()
        .http2_prior_knowledge()
        .http2_initial_stream_window_size(65_535);
    let client = slow.build().unwrap();
    let request = client.get(server.url("/docs/swagger-ui-bundle.js")).send();
    let response = request.await.unwrap();
    assert!(response.content_length().unwrap() > 1_000_000);
    server.terminate();
    // The shutdown must wait for this response, so the server must still run after its grace period for flushing (250 ms). Time
    // itself is the subject of this test; a longer pause on a loaded machine does not change the result.
    rt::time::sleep(Duration::from_secs(1)).await;
    let length = response.content_length().unwrap();
    assert_eq!(response.bytes().await.unwrap().len() as u64, length);
    assert_eq!(server.end().await, Some(0));
}

#[actix_web::test]
async fn shutdown_rejects_http2_request_with_503() {
    let flags = [
        "--max-queue-delay=1h",
        "--request-timeout=1h",
        "--drain-timeout=1h",
        "--drain-delay=0s",
    ];
    let server = Server::start(&flags);
    let client = http_2();
    // This pending request keeps the connection open during the shutdown.
    let request = client.post(server.url("/v1/classify")).body(face("happy"));
    let request = rt::spawn(request.send());
    let get = async |path: &str| client.get(server.url(path)).send().await.unwrap();
    eventually(TIMEOUT, "the image is queued", async || {
        let metrics = get("/metrics").await.text().await.unwrap();
        metrics.contains(QUEUED).then_some(())
    })
    .await;
    server.terminate();
    eventually(TIMEOUT, "the server is shutting down", async || {
        (get("/v2").await.status() != 200).then_some(())
    })
    .await;
    let response = get("/v2").await;
    assert_eq!(response.status(), 503);
    let body = response.json::<Value>().await.unwrap();
    assert_eq!(body["error"], "the server is shutting down", "{body}");
    assert_problem(get("/v1/models").await, 503, "shutting_down").await;
    server.terminate();
    server.status().await;
    assert!(request.await.unwrap().is_err());
}
