//! HTTP connections: limits, timeouts and `Server-Timing`.

mod buffers;
mod slow;

use std::{
    io::{Read, Write},
    time::Duration,
};

use actix_web::web;
use reqwest::Response;

use crate::helpers::{
    TestApp, assert_problem, connect, face, read_health_response, send_health_request,
};

/// Sends the bytes of a request head and returns the response.
async fn send_head(app: &TestApp, head: String) -> String {
    let base = app.base.clone();
    let exchange = move || {
        let mut stream = connect(&base);
        // The server may close the connection before it has received the whole head.
        let _ = stream.write_all(head.as_bytes());
        let mut response = [0; 4096];
        let length = stream.read(&mut response).unwrap_or(0);
        String::from_utf8_lossy(&response[..length]).into_owned()
    };
    web::block(exchange).await.unwrap()
}

#[actix_web::test]
async fn longest_keep_alive_is_accepted() {
    // This exceeds the maximum of the TCP user timeout, which the server derives from --keep-alive.
    let app = TestApp::spawn_with(&["--keep-alive=365d", "--header-timeout=365d"]);
    app.assert_classifies().await;
}

#[actix_web::test]
async fn http_2_is_rejected() {
    let app = TestApp::spawn_with(&["--header-timeout=1h", "--keep-alive=1h"]);
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0";
    let response = send_head(&app, preface.to_owned()).await;
    assert!(response.starts_with("HTTP/1.1 400"), "{response}");
}

#[actix_web::test]
async fn large_request_heads_are_rejected() {
    let app = TestApp::spawn();
    let head = |lines: String| format!("GET /health/live HTTP/1.1\r\nHost: mien\r\n{lines}\r\n");
    let lines = |count: usize| {
        (0..count)
            .map(|n| format!("x-{n}: 1\r\n"))
            .collect::<String>()
    };
    assert!(
        send_head(&app, head(lines(50)))
            .await
            .starts_with("HTTP/1.1 200")
    );
    let response = send_head(&app, head(lines(500))).await;
    assert!(response.starts_with("HTTP/1.1 4"), "{response}");
    let response = send_head(&app, head(format!("x-long: {}\r\n", "a".repeat(300 << 10)))).await;
    assert!(
        response.is_empty() || response.starts_with("HTTP/1.1 4"),
        "{response}"
    );
    assert_eq!(app.get("/health/live").await.status(), 200);
}

#[actix_web::test]
async fn http_connections_are_limited() {
    let app = TestApp::spawn_with(&["--max-connections=1"]);
    let base = app.base.clone();
    let test = move || {
        let mut first = connect(&base);
        send_health_request(&mut first);
        read_health_response(&mut first);
        // The second connection waits in the backlog of the listener.
        let mut second = connect(&base);
        send_health_request(&mut second);
        for _ in 0..20 {
            send_health_request(&mut first);
            read_health_response(&mut first);
            second.set_nonblocking(true).unwrap();
            let early = second.read(&mut [0]).unwrap_err();
            assert_eq!(early.kind(), std::io::ErrorKind::WouldBlock);
            second.set_nonblocking(false).unwrap();
        }
        drop(first);
        read_health_response(&mut second);
    };
    web::block(test).await.unwrap();
}

#[actix_web::test]
#[cfg(target_os = "linux")]
async fn client_that_reads_no_responses_is_closed() {
    let app = TestApp::spawn_with(&["--max-connections=1", "--keep-alive=1s"]);
    let base = app.base.clone();
    let fill = move || {
        let mut stream = connect(&base);
        // Responses that the client does not read fill the buffers of both sides, until the server stops reading requests.
        stream.set_nonblocking(true).unwrap();
        let requests = b"GET /openapi.json HTTP/1.1\r\nHost: mien\r\n\r\n".repeat(64);
        let (mut sent, mut stuck) = (0, 0);
        while stuck < 20 {
            if let Ok(bytes) = stream.write(&requests[sent % requests.len()..]) {
                (sent, stuck) = (sent + bytes, 0);
            } else {
                stuck += 1;
                // There is no event for a server that has stopped reading. If it still reads, the test only becomes easier.
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        stream
    };
    let stalled = web::block(fill).await.unwrap();
    // The server accepts one connection, so this one waits until the other one is closed.
    assert_eq!(app.get("/health/live").await.status(), 200);
    drop(stalled);
}

#[actix_web::test]
async fn body_memory_is_limited_and_released() {
    let app = TestApp::spawn_with(&["--max-body-memory=2kB"]);
    for _ in 0..3 {
        app.assert_classifies().await;
        let response = app.classify("", vec![0; 2001]).send().await.unwrap();
        assert!(response.headers().contains_key("retry-after"));
        assert_problem(response, 503, "overloaded").await;
    }
}

#[actix_web::test]
async fn server_timing_lists_stages() {
    let app = TestApp::spawn();
    assert_timing(app.classify("", face("happy")).send().await.unwrap());
    let infer = app.client.post(app.url("/v2/models/small/infer"));
    let gray = vec![128; 48 * 48];
    let infer = infer
        .header("inference-header-content-length", 0)
        .body(gray);
    assert_timing(infer.send().await.unwrap());
}

fn assert_timing(response: Response) {
    assert_eq!(response.status(), 200);
    let timing = response.headers()["server-timing"].to_str().unwrap();
    let times: Vec<(&str, f64)> = timing
        .split(", ")
        .map(|entry| {
            let (name, time) = entry.split_once(";dur=").unwrap();
            (name, time.parse().unwrap())
        })
        .collect();
    assert_eq!(
        times.iter().map(|time| time.0).collect::<Vec<_>>(),
        ["queue", "preprocess", "inference"]
    );
    assert!(times[1].1 > 0.0 && times[2].1 > 0.0, "{timing}");
}
