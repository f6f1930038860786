//! Shutdown of the process by signals.

use std::{
    io::{BufRead, Read, Write},
    os::unix::process::ExitStatusExt,
    time::Duration,
};

use actix_web::rt;
use reqwest::multipart;
use serde_json::Value;

use super::Server;
use crate::{
    eventually::{TIMEOUT, eventually},
    helpers::{connect, face, http_client},
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
    let client = http_client();
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
    let server = Server::start(&["--drain-delay=0s", "--drain-timeout=1h"]);
    // An idle keep-alive connection and one that has sent nothing must not delay the shutdown.
    let client = http_client();
    client.get(server.url("/health/live")).send().await.unwrap();
    let _silent = connect(server.base());
    server.terminate();
    assert_ends(server).await;
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
    let mut server = Server::start(&flags.each_ref().map(String::as_str));
    let log = server.log.take().unwrap();
    server.terminate();
    let ended = rt::time::timeout(Duration::from_secs(20), server.end()).await;
    assert_eq!(
        ended.expect("the server ends before --drain-timeout"),
        Some(0)
    );
    let log: Vec<_> = log.lines().map_while(Result::ok).collect();
    let has = |message| log.iter().any(|line| line.contains(message));
    assert!(has("\"loading cancelled\""), "{log:#?}");
    assert!(!has("\"cannot load model\""), "{log:#?}");
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
    let client = http_client();
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
    let mut stream = connect(server.base());
    let request = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: mien\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = vec![0; 1000];
    stream.read_exact(&mut response).unwrap();
    server.terminate();
    // The shutdown must wait for this response. Time itself is the subject of this test; a longer pause on a loaded machine does
    // not change the result.
    rt::time::sleep(Duration::from_secs(1)).await;
    stream.read_to_end(&mut response).unwrap();
    let head = String::from_utf8_lossy(&response[..1000]).to_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap();
    let length: usize = length.split('\r').next().unwrap().parse().unwrap();
    assert!(length > 1_000_000);
    let head = response.windows(4).position(|end| end == b"\r\n\r\n");
    assert_eq!(response.len(), head.unwrap() + 4 + length);
    assert_ends(server).await;
}

#[actix_web::test]
async fn incomplete_requests_do_not_delay_shutdown() {
    let flags = [
        "--drain-delay=0s",
        "--drain-timeout=1h",
        "--request-timeout=1h",
        "--body-timeout=1h",
        "--header-timeout=1h",
    ];
    let server = Server::start(&flags);
    let send = |path: &str, length: &str| {
        let mut stream = connect(server.base());
        let json = "Content-Type: application/json";
        let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{json}\r\n{length}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream
    };
    let mut bodies: Vec<_> = (0..10)
        .map(|n| {
            let paths = ["/v1/evaluations", "/v1/classify", "/v2/repository/index"];
            let length = ["Content-Length: 1000", "Transfer-Encoding: chunked"];
            send(paths[n % 3], length[n % 2])
        })
        .collect();
    // The head of this request is incomplete.
    let mut head = connect(server.base());
    head.write_all(b"GET /health/live HTTP/1.1\r\nHost:")
        .unwrap();
    server.terminate();
    assert_ends(server).await;
    for stream in &mut bodies {
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        assert!(response.starts_with("HTTP/1.1 503"), "{response}");
        assert!(response.contains("shutting down"), "{response}");
    }
    let mut response = String::new();
    head.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 408"), "{response}");
}

/// Checks that the server ends long before its drain timeout.
async fn assert_ends(server: Server) {
    let ended = rt::time::timeout(Duration::from_secs(30), server.end()).await;
    let code = ended.expect("the server ends before --drain-timeout");
    assert_eq!(code, Some(0));
}
